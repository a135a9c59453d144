import { DAY_MS } from '../language/calendar.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let i = to - 1
  while (i >= from && Number.isNaN(values[i])) i--
  if (i >= from) slice.out[slice.slot] = (slice.instant[0]! - slice.times[i]!) / DAY_MS
  else slice.out[slice.slot] = NaN
}

/** Days (of 24 hours, with fractions) since the latest event; missing where there is none. */
export const daysSinceLast = (): Aggregate => ({
  name: 'days-since-last',
  version: 1,
  needs: 'nothing',
  windows: [...EVENT_WINDOWS, 'ever'],
  unit: () => 'days',
  phrase: 'days since the latest of',
  reduce,
})
