/** Whether predicted log-odds mean what they say: slope 1 and intercept 0 are perfect. */
import type { Interval } from '#registry/manifest.ts'
import { logisticRegression } from '../logistic-regression.ts'

const Z95 = 1.959963984540054

export interface CalibrationCheck {
  /** Coefficient of the predicted log-odds in a logistic regression of the outcome. Below 1: predictions too extreme. */
  readonly slope: Interval
  /** Calibration in the large: intercept with the predicted log-odds as offset. Above 0: risk underestimated. */
  readonly intercept: Interval
}

const wald = (value: number, error: number): Interval => ({ value, low: value - Z95 * error, high: value + Z95 * error })

/** D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45 (1958) 562–565. Wald intervals. */
export const calibrationCheck = (logOdds: ArrayLike<number>, labels: ArrayLike<number>): CalibrationCheck => {
  const slope = logisticRegression({ values: Float64Array.from(logOdds), columns: 1, labels })
  const large = logisticRegression({ values: new Float64Array(0), columns: 0, labels, offset: logOdds })
  return {
    slope: wald(slope.coefficients[0]!, slope.standardErrors[1]!),
    intercept: wald(large.intercept, large.standardErrors[0]!),
  }
}
