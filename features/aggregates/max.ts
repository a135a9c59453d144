import { extremes, readGreatest } from '../accumulators/extremes.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let greatest = NaN
  for (let i = from; i < to; i++) {
    const value = values[i]!
    // The negation makes the first value replace NaN.
    if (!Number.isNaN(value) && !(greatest >= value)) greatest = value
  }
  slice.out[slice.slot] = greatest
}

/** Largest value. */
export const max = (): Aggregate => ({
  name: 'max',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'greatest of',
  reduce,
  paned: { accumulator: extremes, read: readGreatest },
})
