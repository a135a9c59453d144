/** The values of a window in ascending order, for aggregates that rank them. */
import type { Slice } from './aggregate.ts'

/** As many as a ring may hold. */
export const sorted = new Float64Array(256)

/** Fills {@link sorted} with the window's values that are not missing, by insertion (windows are short), and returns how many. */
export const sortWindow = ({ values, from, to }: Slice): number => {
  let count = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    let at = count++
    for (; at > 0 && sorted[at - 1]! > value; at--) sorted[at] = sorted[at - 1]!
    sorted[at] = value
  }
  return count
}
