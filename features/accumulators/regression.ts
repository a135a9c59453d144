/** Least squares of value over time, mergeable. */
import { MEAN_MONTH_MS } from '../language/calendar.ts'
import type { Accumulator, Memory } from './accumulator.ts'
import { TIME, VALUE } from './accumulator.ts'

/** (One second)², in mean months: below it values count as of one instant. */
const XX_MIN = (1_000 / MEAN_MONTH_MS) ** 2

/**
 * `n f64 · mean x f64 · mean y f64 · Σ(x − x̄)² f64 · Σ(x − x̄)(y − ȳ) f64`, x being mean months since 1970. Pairwise update after Chan,
 * Golub & LeVeque (1979), extended to the covariance.
 */
export const regression: Accumulator = {
  name: 'regression',
  version: 1,
  words: 5,
  errorBound: '1e-9 relative',
  update({ f64 }, at, event) {
    const n = f64[at]! + 1
    const dx = event[TIME]! / MEAN_MONTH_MS - f64[at + 1]!
    const dy = event[VALUE]! - f64[at + 2]!
    f64[at] = n
    f64[at + 1] = f64[at + 1]! + dx / n
    f64[at + 2] = f64[at + 2]! + dy / n
    f64[at + 3] = f64[at + 3]! + (dx * dx * (n - 1)) / n
    f64[at + 4] = f64[at + 4]! + (dx * dy * (n - 1)) / n
  },
  merge({ f64 }, into, from) {
    const [n, m] = [f64[into]!, f64[from]!]
    if (m === 0) return
    const dx = f64[from + 1]! - f64[into + 1]!
    const dy = f64[from + 2]! - f64[into + 2]!
    const weight = (n * m) / (n + m)
    f64[into] = n + m
    f64[into + 1] = f64[into + 1]! + (dx * m) / (n + m)
    f64[into + 2] = f64[into + 2]! + (dy * m) / (n + m)
    f64[into + 3] = f64[into + 3]! + f64[from + 3]! + dx * dx * weight
    f64[into + 4] = f64[into + 4]! + f64[from + 4]! + dx * dy * weight
  },
}

/** Slope per mean month; missing below two values and where they lie within about a second. */
export const readSlope = ({ f64 }: Memory, at: number, _: Float64Array, out: Float64Array, slot: number): void => {
  if (f64[at]! < 2 || !(f64[at + 3]! > XX_MIN)) out[slot] = NaN
  else out[slot] = f64[at + 4]! / f64[at + 3]!
}
