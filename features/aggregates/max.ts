import type { Aggregate, Slice } from './aggregate.ts'

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
  windows: ['months'],
  unit: (of) => of,
  phrase: 'greatest of',
  reduce,
})
