import { newest, readEnd } from '../accumulators/extremes.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let i = to - 1
  while (i >= from && Number.isNaN(values[i])) i--
  if (i >= from) slice.out[slice.slot] = values[i]!
  else slice.out[slice.slot] = NaN
}

/** The latest value that is not missing. */
export const last = (): Aggregate => ({
  name: 'last',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'latest of',
  reduce,
  paned: { accumulator: newest, read: readEnd },
})
