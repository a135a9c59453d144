/** Expected values of independent references, and the samples behind the drift ones. Provenance: `test/golden/monitoring.json`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../golden')
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))

export const golden = read('monitoring.json') as {
  readonly drift: Readonly<Record<string, number>>
  readonly fairness: Readonly<Record<string, number>>
  readonly calibration: {
    readonly binomial_vs_jeffreys: {
      readonly n: number
      readonly defaults: number
      readonly pd: number
      readonly binomial_p: number
      readonly jeffreys_p: number
    }
  }
  readonly scorecard: {
    readonly woe: { readonly goods: number[]; readonly bads: number[]; readonly ks: number; readonly auc: number; readonly gini: number }
  }
}

export const fairness71 = read('fairness-71.json') as { readonly y_true: number[]; readonly y_pred: number[]; readonly group: string[] }

/** Standard normal quantile by bisection. */
const normalQuantile = (p: number): number => {
  let [low, high] = [-10, 10]
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2
    if (normalCdf(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** By the Taylor series of erf, which converges for every argument that occurs here (|x| < 5). */
const normalCdf = (x: number): number => {
  let term = x
  let sum = x
  for (let k = 1; k < 200; k++) {
    term *= (-x * x) / (2 * k)
    sum += term / (2 * k + 1)
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI)
}

/** x_i = Φ⁻¹((i + ½)/1000), ascending, and the same moved by half a standard deviation. */
export const reference = Float64Array.from({ length: 1_000 }, (_, i) => normalQuantile((i + 0.5) / 1_000))
export const current = reference.map((value) => value + 0.5)
