import { DAY_MS } from '../language/calendar.ts'
import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  // The first event may long have left the ring: its time is kept apart.
  slice.out[slice.slot] = (slice.instant[0]! - slice.first[0]!) / DAY_MS
}

/** Days (of 24 hours, with fractions) since the first event ever; missing where there is none. */
export const daysSinceFirst = (): Aggregate => ({
  name: 'days-since-first',
  version: 1,
  needs: 'nothing',
  windows: ['ever'],
  unit: () => 'days',
  phrase: 'days since the first of',
  reduce,
})
