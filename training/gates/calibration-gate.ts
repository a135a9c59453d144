/** The successor's probabilities mean what they say. */
import type { Gate } from '#schemas/monitoring-events.ts'
import { calibrationCheck } from '../metrics/calibration-slope.ts'
import { interval, refused, verdict } from './verdict.ts'

/** Slope of the outcome on predicted log-odds: outside, spreads are a quarter too wide or too narrow. */
const SLOPE_RANGE = [0.8, 1.25] as const
/** Calibration in the large, in log-odds: at a bad rate of a fifth, 0.2 is three points of bad rate. */
const INTERCEPT_MAX = 0.2

const logOdds = (probability: number): number => Math.log(probability / (1 - probability))

/** How far a slope is from 1: twice too wide is as far as twice too narrow. Below 0 there is no slope to speak of. */
const slopeMiss = (slope: number): number => (slope > 0 ? Math.abs(Math.log(slope)) : Infinity)

/**
 * Slope within {@link SLOPE_RANGE} and intercept within ± {@link INTERCEPT_MAX}, as far as the sample can tell: a gate fails where the point lies
 * outside, the 95 % interval does not hold the ideal, and the champion comes no less close on the same applicants. In a population on the move
 * nobody's probabilities are right; a successor whose are nearer is not held back for that.
 */
export const calibrationGates = (probabilities: Float64Array, champion: Float64Array, labels: ArrayLike<number>): Gate[] => {
  const [slopeGate, interceptGate] = ['calibration-slope', 'calibration-intercept']
  let bads = 0
  for (let row = 0; row < labels.length; row++) bads += labels[row]!
  if (bads === 0 || bads === labels.length) {
    const detail = `needs both outcomes among the matured applications, got ${bads} bad of ${labels.length}`
    return [refused(slopeGate, detail, SLOPE_RANGE[0]), refused(interceptGate, detail, INTERCEPT_MAX)]
  }
  const { slope, intercept } = calibrationCheck(probabilities.map(logOdds), labels)
  const [least, most] = SLOPE_RANGE
  const other = calibrationCheck(champion.map(logOdds), labels)
  const slopeHolds =
    (slope.value >= least && slope.value <= most) ||
    (slope.low <= 1 && slope.high >= 1) ||
    slopeMiss(slope.value) < slopeMiss(other.slope.value)
  const interceptHolds =
    Math.abs(intercept.value) <= INTERCEPT_MAX ||
    (intercept.low <= 0 && intercept.high >= 0) ||
    Math.abs(intercept.value) < Math.abs(other.intercept.value)
  return [
    verdict(
      slopeGate,
      slopeHolds,
      { ...slope, threshold: least },
      `slope ${interval(slope)} must lie in [${least}, ${most}], or nearer to 1 than the champion’s ${other.slope.value.toFixed(4)}, on ${labels.length} applicants`,
    ),
    verdict(
      interceptGate,
      interceptHolds,
      { ...intercept, threshold: INTERCEPT_MAX },
      `intercept ${interval(intercept)} in log-odds must lie within ±${INTERCEPT_MAX}, or nearer to 0 than the champion’s ${other.intercept.value.toFixed(4)}, on ${labels.length} applicants`,
    ),
  ]
}
