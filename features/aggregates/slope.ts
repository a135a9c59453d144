import { readSlope, regression } from '../accumulators/regression.ts'
import { MEAN_MONTH_MS } from '../language/calendar.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'

const reduce = (slice: Slice): void => {
  const { values, times, from, to } = slice
  const origin = slice.instant[0]!
  let count = 0
  let sumX = 0
  let sumY = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    count++
    sumX += (times[i]! - origin) / MEAN_MONTH_MS
    sumY += value
  }
  const meanX = sumX / count
  const meanY = sumY / count
  let xx = 0
  let xy = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    const x = (times[i]! - origin) / MEAN_MONTH_MS - meanX
    xx += x * x
    xy += x * (value - meanY)
  }
  // Values that share one instant have no slope; the rounded mean of equal times may leave a residue, hence the tolerance of a second.
  if (count >= 2 && xx > XX_MIN) slice.out[slice.slot] = xy / xx
  else slice.out[slice.slot] = NaN
}

/** (One second)², in mean months. */
const XX_MIN = (1_000 / MEAN_MONTH_MS) ** 2

/**
 * Ordinary least-squares slope of the value over event time, per mean Gregorian month; missing where the events lie
 * within about a second.
 */
export const slope = (): Aggregate => ({
  name: 'slope',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => `${of} per month`,
  phrase: 'trend of',
  reduce,
  paned: { accumulator: regression, read: readSlope },
})
