import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let i = to - 1
  while (i >= from && Number.isNaN(values[i])) i--
  slice.out[slice.slot] = i >= from ? values[i]! : NaN
}

/** The latest value that is not missing. */
export const last = (): Aggregate => ({
  name: 'last',
  version: 1,
  needs: 'value',
  windows: ['months'],
  unit: (of) => of,
  phrase: 'latest of',
  reduce,
})
