import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let i = from
  while (i < to && Number.isNaN(values[i])) i++
  slice.out[slice.slot] = i < to ? values[i]! : NaN
}

/** The earliest value in the window that is not missing. */
export const first = (): Aggregate => ({
  name: 'first',
  version: 1,
  needs: 'value',
  windows: ['months'],
  unit: (of) => of,
  phrase: 'earliest of',
  reduce,
})
