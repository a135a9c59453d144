/** Inter-arrival statistics: of the days (of 24 hours) between events that follow one another in the window. */
import { DAY_MS } from '../language/calendar.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate, Slice } from './aggregate.ts'

const gapAggregate = (name: string, phrase: string, reduce: (slice: Slice) => void): Aggregate => ({
  name,
  version: 1,
  needs: 'nothing',
  windows: EVENT_WINDOWS,
  unit: () => 'days',
  phrase,
  reduce,
})

/** Mean gap: missing below two events. */
export const gapMean = (): Aggregate =>
  gapAggregate('gap-mean', 'mean days between', (slice) => {
    const { values, times, from, to } = slice
    let first = from
    while (first < to && Number.isNaN(values[first])) first++
    let last = first
    let gaps = 0
    for (let i = first + 1; i < to; i++) {
      if (Number.isNaN(values[i])) continue
      last = i
      gaps++
    }
    if (gaps === 0) slice.out[slice.slot] = NaN
    else slice.out[slice.slot] = (times[last]! - times[first]!) / DAY_MS / gaps
  })

/** Sample standard deviation of the gaps (n − 1): missing below three events. */
export const gapStd = (): Aggregate =>
  gapAggregate('gap-std', 'standard deviation of days between', (slice) => {
    const { values, times, from, to } = slice
    let gaps = 0
    let mean = 0
    let squares = 0
    let before = -1
    for (let i = from; i < to; i++) {
      if (Number.isNaN(values[i])) continue
      if (before >= 0) {
        // Welford, 1962.
        const gap = (times[i]! - times[before]!) / DAY_MS
        const distance = gap - mean
        mean += distance / ++gaps
        squares += distance * (gap - mean)
      }
      before = i
    }
    if (gaps < 2) slice.out[slice.slot] = NaN
    else slice.out[slice.slot] = Math.sqrt(squares / (gaps - 1))
  })

/** Longest gap: missing below two events. */
export const gapMax = (): Aggregate =>
  gapAggregate('gap-max', 'most days between', (slice) => {
    const { values, times, from, to } = slice
    let longest = NaN
    let before = -1
    for (let i = from; i < to; i++) {
      if (Number.isNaN(values[i])) continue
      if (before >= 0 && !(longest >= times[i]! - times[before]!)) longest = times[i]! - times[before]!
      before = i
    }
    slice.out[slice.slot] = longest / DAY_MS
  })
