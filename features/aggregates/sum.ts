import { readSum, total } from '../accumulators/moments.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let sum = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (!Number.isNaN(value)) sum += value
  }
  slice.out[slice.slot] = sum
}

/** Sum; of nothing, 0. Exact for money: integers whose sums stay below 2^53. */
export const sum = (): Aggregate => ({
  name: 'sum',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'sum of',
  reduce,
  paned: { accumulator: total, read: readSum },
})
