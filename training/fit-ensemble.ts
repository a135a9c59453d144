/** From labelled rows to a fitted, stacked and calibrated ensemble. Everything here sees training rows alone. */
import type { Calibration } from '#registry/manifest.ts'
import type { TreeTask } from './boosted-trees.ts'
import { type CalibrationChoice, calibrate, chooseCalibration, fitPlatt } from './calibration.ts'
import { type Dataset, newestRows, takeRows } from './dataset.ts'
import { type Ensemble, exported } from './ensemble.ts'
import { assignFolds, rowsWhere } from './folds.ts'
import { nestedValidation, type NestedResult, type ValidationPlan } from './nested-validation.ts'
import type { Binning } from './monotone-bins.ts'
import { fitScorecard, type Scorecard, type ScorecardOptions, SCORECARD_DEFAULTS, scorecardMargins } from './scorecard.ts'
import { scorecardEnsemble } from './scorecard-trees.ts'
import { fitStack, type Stack, stackMargins } from './stack.ts'
import type { TrainingProgress } from './training-report.ts'

export const TREES = 'trees'
export const SCORECARD = 'scorecard'

export interface FittedEnsemble {
  readonly ensemble: Ensemble
  readonly scorecard: Scorecard
  readonly stack: Stack
  readonly calibration: CalibrationChoice
  /** For the scorecard when it decides alone. */
  readonly fallbackCalibration: Calibration
  readonly validation: NestedResult
  /** Probability of bad of each training row by members, stack and calibration that never saw the row's fold. */
  readonly outOfFold: Float64Array
}

/** Scorecard margins of each fold by a card binned, selected and fitted on the others. */
const scorecardOutOfFold = (data: Dataset, folds: Uint8Array, options: ScorecardOptions): Float64Array => {
  const margins = new Float64Array(data.rows)
  for (const fold of new Set(folds)) {
    const card = fitScorecard(
      takeRows(
        data,
        rowsWhere(folds, (other) => other !== fold),
      ),
      options,
    )
    const scored = rowsWhere(folds, (other) => other === fold)
    const fitted = scorecardMargins(card, takeRows(data, scored))
    scored.forEach((row, index) => (margins[row] = fitted[index]!))
  }
  return margins
}

/** Stack and Platt map refitted without each fold, so that its probabilities owe nothing to its labels. */
const crossFittedProbabilities = (margins: readonly Float64Array[], labels: Uint8Array, folds: Uint8Array): Float64Array => {
  const probabilities = new Float64Array(labels.length)
  const part = (rows: Int32Array): Float64Array[] => margins.map((member) => Float64Array.from(rows, (row) => member[row]!))
  for (const fold of new Set(folds)) {
    const outside = rowsWhere(folds, (other) => other !== fold)
    const known = Uint8Array.from(outside, (row) => labels[row]!)
    const stack = fitStack(part(outside), known)
    const platt = fitPlatt(stackMargins(stack, part(outside)), known)
    const inside = rowsWhere(folds, (other) => other === fold)
    stackMargins(stack, part(inside)).forEach((margin, index) => (probabilities[inside[index]!] = calibrate(platt, margin)))
  }
  return probabilities
}

/** Rows of several columns of margins, of labels and folds. */
const chosen = (margins: readonly Float64Array[], labels: Uint8Array, folds: Uint8Array, rows: Int32Array) => ({
  margins: margins.map((member) => Float64Array.from(rows, (row) => member[row]!)),
  labels: Uint8Array.from(rows, (row) => labels[row]!),
  folds: Uint8Array.from(rows, (row) => folds[row]!),
})

/**
 * Validates, stacks and calibrates out of fold, then refits both members on all rows. `calibrationRows`: ranking is learned from all rows, what a
 * margin means from that many of the newest, so that probabilities are those of the present. `binning`: of the scorecard.
 */
export const fitEnsemble = async (
  task: TreeTask,
  plan: ValidationPlan,
  data: Dataset,
  onProgress?: (progress: TrainingProgress) => void,
  calibrationRows = Infinity,
  binning: Binning = SCORECARD_DEFAULTS.binning,
): Promise<FittedEnsemble> => {
  const folds = assignFolds(data, plan.folds, task.seed)
  const validation = await nestedValidation(task, plan, data, folds, (fit) => onProgress?.({ kind: 'fit', ...fit }))
  onProgress?.({ kind: 'stage', what: 'scorecard, stack and calibration' })
  const cardOptions: ScorecardOptions = { ...SCORECARD_DEFAULTS, directions: task.directions, binning }
  const cardMargins = scorecardOutOfFold(data, folds, cardOptions)
  const members = [validation.outOfFold, cardMargins]
  const stack = fitStack(members, data.labels)
  const present = chosen(members, data.labels, folds, newestRows(data, calibrationRows))
  const calibration = chooseCalibration(stackMargins(stack, present.margins), present.labels, present.folds)
  onProgress?.({ kind: 'stage', what: 'final members on all training rows' })
  const scorecard = fitScorecard(data, cardOptions)
  const trees = task.learner.fit(task, validation.final.settings, data, validation.final.iterations, [])
  const ensemble = exported({
    members: [
      { name: TREES, kind: 'trees', ensemble: trees.ensemble, ...(trees.encoded === undefined ? {} : { encoded: trees.encoded }) },
      { name: SCORECARD, kind: 'scorecard', ensemble: scorecardEnsemble(scorecard, data.columns) },
    ],
    stack,
    calibration: calibration.calibration,
  })
  const outOfFold = crossFittedProbabilities(members, data.labels, folds)
  return {
    ensemble,
    scorecard,
    stack,
    calibration,
    fallbackCalibration: fitPlatt(present.margins[1]!, present.labels),
    validation,
    outOfFold,
  }
}
