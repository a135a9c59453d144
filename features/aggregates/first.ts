import { oldest, readEnd } from '../accumulators/extremes.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let i = from
  while (i < to && Number.isNaN(values[i])) i++
  if (i < to) slice.out[slice.slot] = values[i]!
  else slice.out[slice.slot] = NaN
}

/** The earliest value in the window that is not missing. */
export const first = (): Aggregate => ({
  name: 'first',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'earliest of',
  reduce,
  paned: { accumulator: oldest, read: readEnd },
})
