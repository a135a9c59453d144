/** The successor's probabilities mean what they say. */
import type { Gate } from '#schemas/monitoring-events.ts'
import { calibrationCheck } from '../metrics/calibration-slope.ts'
import { interval, refused, verdict } from './verdict.ts'

/** Slope of the outcome on predicted log-odds: outside, spreads are a quarter too wide or too narrow. */
const SLOPE_RANGE = [0.8, 1.25] as const
/** Calibration in the large, in log-odds: at a bad rate of a fifth, 0.2 is three points of bad rate. */
const INTERCEPT_MAX = 0.2

const logOdds = (probability: number): number => Math.log(probability / (1 - probability))

/**
 * Slope within {@link SLOPE_RANGE} and intercept within ± {@link INTERCEPT_MAX}, as far as the sample can tell: a gate fails where the
 * point lies outside and the 95 % interval does not hold the ideal.
 */
export const calibrationGates = (probabilities: Float64Array, labels: ArrayLike<number>): Gate[] => {
  const [slopeGate, interceptGate] = ['calibration-slope', 'calibration-intercept']
  let bads = 0
  for (let row = 0; row < labels.length; row++) bads += labels[row]!
  if (bads === 0 || bads === labels.length) {
    const detail = `needs both outcomes among the matured applications, got ${bads} bad of ${labels.length}`
    return [refused(slopeGate, detail, SLOPE_RANGE[0]), refused(interceptGate, detail, INTERCEPT_MAX)]
  }
  const { slope, intercept } = calibrationCheck(probabilities.map(logOdds), labels)
  const [least, most] = SLOPE_RANGE
  const slopeHolds = (slope.value >= least && slope.value <= most) || (slope.low <= 1 && slope.high >= 1)
  const interceptHolds = Math.abs(intercept.value) <= INTERCEPT_MAX || (intercept.low <= 0 && intercept.high >= 0)
  return [
    verdict(slopeGate, slopeHolds, { ...slope, threshold: least }, `slope ${interval(slope)} must lie in [${least}, ${most}]`),
    verdict(
      interceptGate,
      interceptHolds,
      { ...intercept, threshold: INTERCEPT_MAX },
      `intercept ${interval(intercept)} in log-odds must lie within ±${INTERCEPT_MAX}`,
    ),
  ]
}
