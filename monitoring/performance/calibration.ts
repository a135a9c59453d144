/** Whether predicted log-odds mean what they say: slope 1 and intercept 0 are perfect. From counts over fine bins. */
import { type Estimate, Z95 } from '../statistics/proportion-interval.ts'
import type { ScoreBin } from './score-labels.ts'

export interface Calibration {
  /** Coefficient of the predicted log-odds in a logistic regression of the outcome. Below 1: predictions too extreme. */
  readonly slope: Estimate
  /** Calibration in the large: intercept with the predicted log-odds as offset. Above 0: risk underestimated. */
  readonly intercept: Estimate
}

type Bin = Pick<ScoreBin, 'logOdds' | 'goods' | 'bads'>

const ITERATIONS_MAX = 50
const CONVERGED = 1e-10

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const wald = (value: number, variance: number): Estimate => {
  const half = Z95 * Math.sqrt(variance)
  return { value, low: value - half, high: value + half }
}

/** Newton's method on two coefficients: bad ~ a + b·logOdds. Undefined where it does not converge (separable outcomes). */
const slopeOf = (bins: readonly Bin[]): Estimate | undefined => {
  let [a, b] = [0, 1]
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 0, 0, 0]
    for (const { logOdds: x, goods, bads } of bins) {
      const n = goods + bads
      const p = sigmoid(a + b * x)
      const w = n * p * (1 - p)
      ga += bads - n * p
      gb += (bads - n * p) * x
      haa += w
      hab += w * x
      hbb += w * x * x
    }
    const determinant = haa * hbb - hab ** 2
    if (!(determinant > 0)) return undefined
    const stepA = (hbb * ga - hab * gb) / determinant
    const stepB = (haa * gb - hab * ga) / determinant
    a += stepA
    b += stepB
    if (Math.abs(stepA) + Math.abs(stepB) < CONVERGED) return wald(b, haa / determinant)
  }
  return undefined
}

const interceptOf = (bins: readonly Bin[]): Estimate | undefined => {
  let a = 0
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    let [gradient, curvature] = [0, 0]
    for (const { logOdds, goods, bads } of bins) {
      const p = sigmoid(a + logOdds)
      gradient += bads - (goods + bads) * p
      curvature += (goods + bads) * p * (1 - p)
    }
    if (!(curvature > 0)) return undefined
    const step = gradient / curvature
    a += step
    if (Math.abs(step) < CONVERGED) return wald(a, 1 / curvature)
  }
  return undefined
}

/** D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45 (1958) 562–565; Wald intervals. */
export const calibration = (bins: readonly Bin[]): Calibration | undefined => {
  const slope = slopeOf(bins)
  const intercept = interceptOf(bins)
  return slope && intercept && { slope, intercept }
}
