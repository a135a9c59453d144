/** The clock and the scale of latencies, shared by those who send and those who receive. */
import { build, type Histogram } from 'hdr-histogram-js'

/** Monotonic clock of the machine, the same in every process, ns as float64: 2^53 ns are 104 days of uptime. */
export const nowNs = (): number => Number(process.hrtime.bigint())

/** Microseconds from 1 to a minute, three significant digits. */
export const latencyHistogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3, bitBucketSize: 64 })
