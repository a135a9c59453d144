import { moments, readStd } from '../accumulators/moments.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

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
  else slice.out[slice.slot] = Math.sqrt(squares / (count - 1))
}

/** Sample standard deviation (n − 1) in two passes, so that large means do not cancel; missing below two values. */
export const std = (): Aggregate => ({
  name: 'std',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'standard deviation of',
  reduce,
  paned: { accumulator: moments, read: readStd },
})
