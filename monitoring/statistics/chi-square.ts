/** The chi-square distribution's upper tail, and the test that two samples of counts come from one distribution. */
import { logGamma } from './log-gamma.ts'

/** Terms after which both expansions have long converged for the arguments that occur (thousands of degrees of freedom at most). */
const TERMS_MAX = 10_000
const TINY = 1e-300

/** Lower regularised incomplete gamma by its power series (DLMF 8.11.4), for x < a + 1. */
const lowerSeries = (a: number, x: number): number => {
  let term = 1 / a
  let sum = term
  for (let k = 1; k < TERMS_MAX && Math.abs(term) > Math.abs(sum) * Number.EPSILON; k++) {
    term *= x / (a + k)
    sum += term
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** Upper regularised incomplete gamma by its continued fraction (DLMF 8.9.2) in Lentz's form, for x ≥ a + 1. */
const upperFraction = (a: number, x: number): number => {
  let b = x + 1 - a
  let c = 1 / TINY
  let d = 1 / b
  let fraction = d
  for (let k = 1; k < TERMS_MAX; k++) {
    const numerator = -k * (k - a)
    b += 2
    d = numerator * d + b
    if (Math.abs(d) < TINY) d = TINY
    c = b + numerator / c
    if (Math.abs(c) < TINY) c = TINY
    d = 1 / d
    const factor = d * c
    fraction *= factor
    if (Math.abs(factor - 1) < Number.EPSILON) break
  }
  return fraction * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** P(χ² ≥ `statistic`) with `degrees` > 0 degrees of freedom. 1 where the statistic is not positive. */
export const chiSquareTail = (statistic: number, degrees: number): number => {
  if (!(degrees > 0)) throw new RangeError(`chi-square needs at least one degree of freedom, got ${degrees}`)
  if (!(statistic > 0)) return 1
  const [a, x] = [degrees / 2, statistic / 2]
  return x < a + 1 ? 1 - lowerSeries(a, x) : upperFraction(a, x)
}

export interface ChiSquareTest {
  readonly statistic: number
  readonly degrees: number
  readonly pValue: number
}

/**
 * Pearson's test of homogeneity of two samples of counts over the same bins; bins empty in both do not count. With fewer than two bins
 * there is nothing to compare: statistic 0, p-value 1. The approximation wants expected counts of about five and more.
 */
export const chiSquareHomogeneity = (first: ArrayLike<number>, second: ArrayLike<number>): ChiSquareTest => {
  let [n, m] = [0, 0]
  for (let bin = 0; bin < first.length; bin++) {
    n += first[bin]!
    m += second[bin]!
  }
  let [statistic, bins] = [0, 0]
  for (let bin = 0; bin < first.length; bin++) {
    const both = first[bin]! + second[bin]!
    if (both === 0) continue
    bins++
    statistic += (first[bin]! * m - second[bin]! * n) ** 2 / (n * m * both)
  }
  const degrees = bins - 1
  if (degrees < 1 || n === 0 || m === 0) return { statistic: 0, degrees: Math.max(degrees, 0), pValue: 1 }
  return { statistic, degrees, pValue: chiSquareTail(statistic, degrees) }
}
