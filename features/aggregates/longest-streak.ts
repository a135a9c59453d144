import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let longest = NaN
  let streak = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    streak = value === 1 ? streak + 1 : 0
    if (!(longest >= streak)) longest = streak
  }
  slice.out[slice.slot] = longest
}

/** Most events in a row, in order of event time, for which the flag holds. A missing flag neither extends nor ends a streak. */
export const longestStreak = (): Aggregate => ({
  name: 'longest-streak',
  version: 1,
  needs: 'flag',
  windows: EVENT_WINDOWS,
  unit: () => 'events in a row',
  phrase: 'longest run of',
  reduce,
})
