import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { moments, readVariance } from '../accumulators/moments.ts'

/** Sample variance (n − 1) of the known values, in two passes, so that large means do not cancel; NaN below two values. */
export const sampleVariance = ({ values, from, to }: Slice): number => {
  let sum = 0
  let count = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    sum += value
    count++
  }
  const mean = sum / count
  let squares = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (!Number.isNaN(value)) squares += (value - mean) * (value - mean)
  }
  return count < 2 ? NaN : squares / (count - 1)
}

const reduce = (slice: Slice): void => {
  slice.out[slice.slot] = sampleVariance(slice)
}

/** Sample variance (n − 1) in two passes; missing below two values. */
export const variance = (): Aggregate => ({
  name: 'variance',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => `(${of})²`,
  phrase: 'variance of',
  reduce,
  paned: { accumulator: moments, read: readVariance },
})
