import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let streak = NaN
  for (let i = to - 1; i >= from; i--) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    if (Number.isNaN(streak)) streak = 0
    if (value !== 1) break
    streak++
  }
  slice.out[slice.slot] = streak
}

/** Latest events in a row for which the flag holds. A missing flag neither extends nor ends the streak. */
export const currentStreak = (): Aggregate => ({
  name: 'current-streak',
  version: 1,
  needs: 'flag',
  windows: EVENT_WINDOWS,
  unit: () => 'events in a row',
  phrase: 'current run of',
  reduce,
})
