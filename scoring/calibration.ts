/** From ensemble margin to probability of bad: a monotone map, so that ranks and reasons on the margin stay true of the probability. */
import type { Calibration } from '#registry/manifest.ts'
import { probability, type Probability } from '#schemas/units.ts'
import { sigmoid } from './exp-log.ts'

/** No evidence of 30,000 loans supports more certainty than one in a million; log-odds and points stay finite. */
export const PROBABILITY_MIN = 1e-6
export const PROBABILITY_MAX = 1 - PROBABILITY_MIN

const clip = (p: number): Probability => probability(Math.min(PROBABILITY_MAX, Math.max(PROBABILITY_MIN, p)))

const rises = (values: readonly number[], strictly: boolean): boolean =>
  values.every((value, i) => Number.isFinite(value) && (i === 0 || (strictly ? value > values[i - 1]! : value >= values[i - 1]!)))

/** Interpolates between the knots and is flat beyond them. */
const isotonic = (margins: readonly number[], probabilities: readonly number[]): ((margin: number) => Probability) => {
  if (margins.length === 0 || margins.length !== probabilities.length)
    throw new Error(
      `isotonic calibration: ${margins.length} margins and ${probabilities.length} probabilities; need as many of each, at least one`,
    )
  if (!rises(margins, true) || !rises(probabilities, false))
    throw new Error('isotonic calibration: margins must rise strictly, probabilities must not fall; fit the calibration again')
  const last = margins.length - 1
  return (margin) => {
    if (margin <= margins[0]!) return clip(probabilities[0]!)
    if (margin >= margins[last]!) return clip(probabilities[last]!)
    let low = 0
    let high = last
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (margins[middle]! <= margin) low = middle
      else high = middle
    }
    const part = (margin - margins[low]!) / (margins[high]! - margins[low]!)
    return clip(probabilities[low]! + part * (probabilities[high]! - probabilities[low]!))
  }
}

/**
 * The map a manifest describes, result clipped to [1e-6, 1 − 1e-6]. Platt: 1 / (1 + exp(−(slope · margin + intercept))).
 * @throws Error where the map is not monotone rising.
 */
export const calibrator = (calibration: Calibration): ((margin: number) => Probability) => {
  if (calibration.kind === 'isotonic') return isotonic(calibration.margins, calibration.probabilities)
  const { slope, intercept } = calibration
  if (!(slope > 0 && Number.isFinite(slope) && Number.isFinite(intercept)))
    throw new Error(
      `Platt calibration: slope must be positive and intercept finite, got ${slope} and ${intercept}; fit the calibration again`,
    )
  return (margin) => clip(sigmoid(slope * margin + intercept))
}
