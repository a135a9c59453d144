import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate, Slice } from './aggregate.ts'

const reduce = (slice: Slice): void => {
  const { values, from, to } = slice
  let last = to - 1
  while (last >= from && Number.isNaN(values[last])) last--
  let sum = 0
  let count = 0
  for (let i = from; i < last; i++) {
    if (Number.isNaN(values[i])) continue
    sum += values[i]!
    count++
  }
  const mean = sum / count
  let squares = 0
  for (let i = from; i < last; i++) if (!Number.isNaN(values[i])) squares += (values[i]! - mean) * (values[i]! - mean)
  // Equal values have no spread, though the rounding of their mean may leave a residue.
  if (count < 2 || !(squares > (count - 1) * (SPREAD_MIN * mean) ** 2)) slice.out[slice.slot] = NaN
  else slice.out[slice.slot] = (values[last]! - mean) / Math.sqrt(squares / (count - 1))
}

/** Smallest relative deviation taken for one: well above rounding, below what money can show. */
const SPREAD_MIN = 1e-12

/** How many sample standard deviations the latest value lies from the mean of those before it; missing below two of those, or where they are all equal. */
export const zLast = (): Aggregate => ({
  name: 'z-last',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: () => 'standard deviations',
  phrase: 'z-score against those before of the latest of',
  reduce,
})
