/** The ensemble: a weighted sum of members' margins, so that its attributions are the same sum of theirs. */
import { logisticRegression } from './logistic-regression.ts'

export interface Stack {
  readonly intercept: number
  /** One per member, ≥ 0: a member may be ignored but never contradicted. */
  readonly weights: readonly number[]
}

/**
 * Non-negative logistic stacking on out-of-fold margins (L. Breiman, "Stacked regressions", Machine Learning 24 (1996) 49–64): the
 * member with the most negative weight is dropped until none is.
 */
export const fitStack = (margins: readonly Float64Array[], labels: ArrayLike<number>): Stack => {
  let active = margins.map((_, member) => member)
  while (active.length > 0) {
    const values = new Float64Array(labels.length * active.length)
    active.forEach((member, index) => margins[member]!.forEach((margin, row) => (values[row * active.length + index] = margin)))
    const fit = logisticRegression({ values, columns: active.length, labels })
    const least = fit.coefficients.indexOf(Math.min(...fit.coefficients))
    if (fit.coefficients[least]! >= 0)
      return { intercept: fit.intercept, weights: margins.map((_, member) => fit.coefficients[active.indexOf(member)] ?? 0) }
    active = active.toSpliced(least, 1)
  }
  throw new Error('no member ranks better than chance out of fold; check labels and features before publishing anything')
}

/** Ensemble margin of each row: intercept + Σ weight · member margin, summed in member order. */
export const stackMargins = (stack: Stack, margins: readonly Float64Array[]): Float64Array =>
  Float64Array.from(margins[0]!, (_, row) =>
    stack.weights.reduce((sum, weight, member) => sum + weight * margins[member]![row]!, stack.intercept),
  )
