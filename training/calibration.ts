/** From ensemble margin to probability of bad. */
import type { Calibration } from '#registry/manifest.ts'
import { logisticRegression, sigmoid } from './logistic-regression.ts'
import { logLoss } from './metrics/probability-scores.ts'

/** Logistic map of the margin (J. Platt, 1999), by maximum likelihood. Monotone as long as the margin ranks better than chance. */
export const fitPlatt = (margins: Float64Array, labels: ArrayLike<number>): Calibration & { kind: 'platt' } => {
  const fit = logisticRegression({ values: margins, columns: 1, labels })
  return { kind: 'platt', slope: fit.coefficients[0]!, intercept: fit.intercept }
}

/** Rows that share one probability; `margin` is their mean. */
interface Block {
  readonly margin: number
  readonly weight: number
  readonly bads: number
}

const join = (a: Block, b: Block): Block => {
  const weight = a.weight + b.weight
  return { margin: (a.margin * a.weight + b.margin * b.weight) / weight, weight, bads: a.bads + b.bads }
}

/** One block per distinct margin, ascending. */
const distinctMargins = (margins: Float64Array, labels: ArrayLike<number>): Block[] => {
  const blocks: Block[] = []
  for (const row of Array.from(margins.keys()).toSorted((a, b) => margins[a]! - margins[b]!)) {
    const block = { margin: margins[row]!, weight: 1, bads: labels[row]! }
    const last = blocks.at(-1)
    if (last?.margin === block.margin) blocks[blocks.length - 1] = { ...block, weight: last.weight + 1, bads: last.bads + block.bads }
    else blocks.push(block)
  }
  return blocks
}

/** Isotonic probabilities are kept this far from 0 and 1: no finite sample shows certainty, and points are log-odds. */
const PROBABILITY_MIN = 1e-4

/**
 * Isotonic map by pooling adjacent violators (R. E. Barlow et al., 1972). Knots stand at the mean margin of each block; between them the
 * probability is linear, outside it is constant.
 */
export const fitIsotonic = (margins: Float64Array, labels: ArrayLike<number>): Calibration & { kind: 'isotonic' } => {
  const blocks: Block[] = []
  for (let block of distinctMargins(margins, labels)) {
    for (let last = blocks.at(-1); last !== undefined && last.bads / last.weight >= block.bads / block.weight; last = blocks.at(-1)) {
      blocks.pop()
      block = join(last, block)
    }
    blocks.push(block)
  }
  const clip = (share: number): number => Math.min(Math.max(share, PROBABILITY_MIN), 1 - PROBABILITY_MIN)
  return {
    kind: 'isotonic',
    margins: blocks.map(({ margin }) => margin),
    probabilities: blocks.map(({ bads, weight }) => clip(bads / weight)),
  }
}

const interpolate = (at: number, xs: readonly number[], ys: readonly number[]): number => {
  if (at <= xs[0]!) return ys[0]!
  if (at >= xs.at(-1)!) return ys.at(-1)!
  let [low, high] = [0, xs.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (xs[middle]! <= at) low = middle
    else high = middle
  }
  return ys[low]! + ((ys[high]! - ys[low]!) * (at - xs[low]!)) / (xs[high]! - xs[low]!)
}

/** Probability of bad for a margin. */
export const calibrate = (calibration: Calibration, margin: number): number =>
  calibration.kind === 'platt'
    ? sigmoid(calibration.slope * margin + calibration.intercept)
    : interpolate(margin, calibration.margins, calibration.probabilities)

export interface CalibrationChoice {
  readonly calibration: Calibration
  /** Cross-fitted log losses, and isotonic − Platt with the standard error of the mean difference. */
  readonly plattLoss: number
  readonly isotonicLoss: number
  readonly difference: number
  readonly differenceError: number
}

/**
 * Platt, unless isotonic is better by two standard errors of the per-row loss difference, each cross-fitted over `folds`: Platt is
 * strictly monotone and keeps every distinction of rank, isotonic does not.
 */
export const chooseCalibration = (margins: Float64Array, labels: ArrayLike<number>, folds: Uint8Array): CalibrationChoice => {
  const known = Float64Array.from(labels)
  const [platt, isotonic] = [new Float64Array(margins.length), new Float64Array(margins.length)]
  for (const fold of new Set(folds)) {
    const outside = folds
      .keys()
      .filter((row) => folds[row] !== fold)
      .toArray()
    const fitted = [fitPlatt, fitIsotonic].map((fit) =>
      fit(
        Float64Array.from(outside, (row) => margins[row]!),
        Float64Array.from(outside, (row) => known[row]!),
      ),
    )
    for (const row of margins.keys().filter((row) => folds[row] === fold)) {
      platt[row] = calibrate(fitted[0]!, margins[row]!)
      isotonic[row] = calibrate(fitted[1]!, margins[row]!)
    }
  }
  const losses = (probabilities: Float64Array): Float64Array =>
    Float64Array.from(probabilities, (probability, row) => logLoss([probability], [known[row]!]))
  const [plattLosses, isotonicLosses] = [losses(platt), losses(isotonic)]
  const differences = isotonicLosses.map((loss, row) => loss - plattLosses[row]!)
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const difference = mean(differences)
  const variance = mean(differences.map((value) => (value - difference) ** 2))
  const differenceError = Math.sqrt(variance / differences.length)
  const calibration = difference < -2 * differenceError ? fitIsotonic(margins, known) : fitPlatt(margins, known)
  return { calibration, plattLoss: mean(plattLosses), isotonicLoss: mean(isotonicLosses), difference, differenceError }
}
