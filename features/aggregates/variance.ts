import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { moments, readVariance } from '../accumulators/moments.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
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
  if (count < 2) slice.out[slice.slot] = NaN
  else slice.out[slice.slot] = squares / (count - 1)
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
