/** Names of metrics, where their key is not one; and the range each is drawn over. */
interface MetricName {
  readonly name: string
  readonly from: number
  readonly to: number
  /** The value that a perfect or an indifferent model would have. */
  readonly mark: number | null
}

const NAMES: Readonly<Record<string, MetricName>> = {
  auc: { name: 'Area under the ROC curve', from: 0.5, to: 1, mark: null },
  gini: { name: 'Gini', from: 0, to: 1, mark: null },
  ks: { name: 'Kolmogorov–Smirnov', from: 0, to: 1, mark: null },
  brier: { name: 'Brier score', from: 0, to: 0.25, mark: null },
  logLoss: { name: 'Log loss', from: 0, to: 0.7, mark: null },
  calibrationSlope: { name: 'Calibration slope', from: 0.5, to: 1.5, mark: 1 },
  calibrationIntercept: { name: 'Calibration intercept', from: -0.5, to: 0.5, mark: 0 },
  lift10: { name: 'Lift of the riskiest tenth', from: 1, to: 5, mark: null },
  treesAuc: { name: 'Area, trees alone', from: 0.5, to: 1, mark: null },
  scorecardAuc: { name: 'Area, scorecard alone', from: 0.5, to: 1, mark: null },
  outOfFoldAuc: { name: 'Area, out of fold in training', from: 0.5, to: 1, mark: null },
}

export const metricName = (key: string): MetricName => NAMES[key] ?? { name: key, from: 0, to: 1, mark: null }
