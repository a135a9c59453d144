import { extremes, readLeast } from '../accumulators/extremes.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let least = NaN
  for (let i = from; i < to; i++) {
    const value = values[i]!
    // The negation makes the first value replace NaN.
    if (!Number.isNaN(value) && !(least <= value)) least = value
  }
  slice.out[slice.slot] = least
}

/** Smallest value. */
export const min = (): Aggregate => ({
  name: 'min',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'least of',
  reduce,
  paned: { accumulator: extremes, read: readLeast },
})
