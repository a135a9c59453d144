import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Values of scikit-learn, scipy and numpy; see `test/fixtures/training/generate.py` for versions and how to regenerate. */
export interface Reference {
  labels: number[]
  scores: number[]
  others: number[]
  probabilities: number[]
  design: number[]
  auc: number
  delong: { auc: [number, number, number]; difference: [number, number, number] }
  ks: number
  brier: number
  logLoss: number
  logistic: { coefficients: number[]; intercept: number; errors: number[] }
  ridge: { penalty: number; coefficients: number[]; intercept: number }
  calibration: { slope: number; slopeError: number; intercept: number; interceptError: number }
  isotonic: { at: number[]; values: number[] }
  quantiles: { shares: number[]; values: number[] }
}

export const reference = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/training/reference.json'), 'utf8')) as Reference
