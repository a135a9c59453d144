import { readMean, total } from '../accumulators/moments.ts'
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
  // 0 / 0 is NaN: the mean of nothing is missing.
  slice.out[slice.slot] = sum / count
}

/** Arithmetic mean: the exact integer sum, divided once, for money. The mean of a flag is the share of events for which it holds. */
export const mean = (): Aggregate => ({
  name: 'mean',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => (of === 'flag' ? 'share' : of),
  phrase: 'mean of',
  reduce,
  paned: { accumulator: total, read: readMean },
})
