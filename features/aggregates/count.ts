import { readCount, tally } from '../accumulators/moments.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

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
  windows: EVENT_WINDOWS,
  unit: () => 'events',
  phrase: 'number of',
  reduce,
  paned: { accumulator: tally, read: readCount },
})
