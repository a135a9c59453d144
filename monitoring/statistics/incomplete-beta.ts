/** The regularised incomplete beta function: the beta distribution's cumulative probability. */
import { logGamma } from './log-gamma.ts'

const TERMS_MAX = 10_000
const TINY = 1e-300

/** DLMF 8.17.22 in Lentz's form; converges fast for x < (a + 1)/(a + b + 2). */
const fraction = (a: number, b: number, x: number): number => {
  let c = 1
  let d = 1 - ((a + b) * x) / (a + 1)
  d = 1 / (Math.abs(d) < TINY ? TINY : d)
  let value = d
  const step = (numerator: number): number => {
    d = 1 + numerator * d
    d = 1 / (Math.abs(d) < TINY ? TINY : d)
    c = 1 + numerator / c
    if (Math.abs(c) < TINY) c = TINY
    value *= d * c
    return d * c
  }
  for (let k = 1; k < TERMS_MAX; k++) {
    step((k * (b - k) * x) / ((a + 2 * k - 1) * (a + 2 * k)))
    if (Math.abs(step((-(a + k) * (a + b + k) * x) / ((a + 2 * k) * (a + 2 * k + 1))) - 1) < Number.EPSILON) break
  }
  return value
}

/** I_x(a, b), the probability that a Beta(a, b) variable is at most `x`; a, b > 0. */
export const incompleteBeta = (a: number, b: number, x: number): number => {
  if (!(a > 0 && b > 0)) throw new RangeError(`the beta distribution has positive parameters, got ${a} and ${b}`)
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2) ? (front * fraction(a, b, x)) / a : 1 - (front * fraction(b, a, 1 - x)) / b
}
