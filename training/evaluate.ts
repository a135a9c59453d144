/** How good the model is on applicants it never saw. */
import type { Interval } from '#registry/manifest.ts'
import { auc, gini } from './metrics/auc.ts'
import { bootstrap, type Statistic } from './metrics/bootstrap.ts'
import { calibrationCheck } from './metrics/calibration-slope.ts'
import { kolmogorovSmirnov } from './metrics/kolmogorov-smirnov.ts'
import { lift } from './metrics/lift.ts'
import { brierScore, logLoss } from './metrics/probability-scores.ts'
import { seededRandom } from './random.ts'

const BOOTSTRAP_ROUNDS = 1000

const logOdds = (probability: number): number => Math.log(probability / (1 - probability))

/**
 * Discrimination and calibration of probabilities of bad, each with a 95 % interval: DeLong's for AUC and Gini, Wald's for the calibration
 * slope and intercept, percentile bootstrap (seeded) for the rest.
 */
export const evaluate = (
  probabilities: Float64Array,
  labels: ArrayLike<number>,
  seed: number,
  rounds = BOOTSTRAP_ROUNDS,
): Record<string, Interval> => {
  const area = auc(probabilities, labels)
  const { slope, intercept } = calibrationCheck(probabilities.map(logOdds), labels)
  const resampled = (statistic: Statistic, offset: number): Interval =>
    bootstrap(statistic, probabilities, labels, seededRandom(seed + offset), rounds)
  return {
    auc: area,
    gini: gini(area),
    ks: resampled(kolmogorovSmirnov, 1),
    brier: resampled(brierScore, 2),
    logLoss: resampled(logLoss, 3),
    calibrationSlope: slope,
    calibrationIntercept: intercept,
    lift10: resampled((scores, outcomes) => lift(scores, outcomes, 0.1), 4),
  }
}
