import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let count = 0
  for (let i = from; i < to; i++) if (!Number.isNaN(values[i])) count++
  slice.out[slice.slot] = count
}

/** Number of events; of nothing, 0. */
export const count = (): Aggregate => ({
  name: 'count',
  version: 1,
  needs: 'nothing',
  windows: ['months'],
  unit: () => 'events',
  phrase: 'number of',
  reduce,
})
