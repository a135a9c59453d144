/** Gradient-boosted trees by LightGBM, with the settings that make a fit repeatable and its explanation exact and fast. */
import type { TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { type Dataset } from './dataset.ts'
import { Booster, type LightGbm, type LightGbmParameters, type Matrix, TrainingSet } from './lightgbm/lightgbm.ts'
import { readLightGbmText } from './lightgbm/model-text.ts'

/** What the inner cross-validation chooses between. */
export interface TreeSettings {
  /** At most 6: explanation tables grow as 4^depth. */
  readonly depth: number
  readonly leaves: number
  readonly rowsPerLeafMin: number
  readonly ridge: number
  readonly learningRate: number
  /** Share of the features each tree may use. */
  readonly featureShare: number
  /** Share of the rows each tree sees. */
  readonly rowShare: number
}

export interface TreeTask {
  readonly lightgbm: LightGbm
  readonly seed: number
  /** Directions credit sense demands, by feature index. */
  readonly directions: ReadonlyMap<number, 1 | -1>
  readonly threads: number
}

const DEPTH_MAX = 6
/**
 * One thread by default: fits of twenty thousand rows take half a second, and a second thread mostly waits for the first (73 s of wall and
 * 69 s of CPU time for the whole search with one, 100 s and 146 s with two on a shared machine). Oversubscription costs a factor of ten.
 */
export const THREADS_DEFAULT = 1
export const THREADS_MAX = 4

/**
 * Parameters passed to LightGBM. Of its methods for monotone constraints, `advanced` gives away least (mean log loss over five folds 0.42609,
 * basic 0.42617, intermediate 0.42623, unconstrained 0.42565) at half as much time again.
 * `max_bin` 254: explanation bins are bytes, so a feature has at most 255 thresholds. `deterministic` with `force_row_wise` makes repeated
 * fits equal byte for byte for one library build, whatever the thread count.
 */
export const treeParameters = (settings: TreeSettings, task: TreeTask, columns: number): LightGbmParameters => ({
  objective: 'binary',
  metric: 'binary_logloss',
  max_depth: Math.min(settings.depth, DEPTH_MAX),
  num_leaves: settings.leaves,
  min_data_in_leaf: settings.rowsPerLeafMin,
  lambda_l2: settings.ridge,
  learning_rate: settings.learningRate,
  feature_fraction: settings.featureShare,
  bagging_fraction: settings.rowShare,
  bagging_freq: 1,
  max_bin: 254,
  monotone_constraints: Array.from({ length: columns }, (_, feature) => task.directions.get(feature) ?? 0),
  monotone_constraints_method: 'advanced',
  deterministic: true,
  force_row_wise: true,
  num_threads: task.threads,
  seed: task.seed,
  verbosity: -1,
})

const asMatrix = ({ values, rows, columns }: Dataset): Matrix => ({ values, rows, columns })

/** The curve up to where it alone would have stopped, having not improved for `patience` iterations. */
const stoppedEarly = (curve: readonly number[], patience: number): number[] => {
  let best = 0
  for (let at = 1; at < curve.length; at++) {
    if (curve[at]! < curve[best]!) best = at
    if (at - best >= patience) return curve.slice(0, at + 1)
  }
  return [...curve]
}

/**
 * Log loss after each iteration on each validation set. Trees are grown until no curve improves, but each curve ends by its own rows: one
 * set's labels must not decide how far another's curve is seen.
 */
export const validationCurves = (
  task: TreeTask,
  settings: TreeSettings,
  training: Dataset,
  validations: readonly Dataset[],
  limits: { readonly iterationsMax: number; readonly patience: number },
): number[][] => {
  const parameters = treeParameters(settings, task, training.columns)
  const set = new TrainingSet(task.lightgbm, asMatrix(training), training.labels, parameters)
  const others = validations.map((data) => new TrainingSet(task.lightgbm, asMatrix(data), data.labels, parameters, set))
  const booster = new Booster(task.lightgbm, set, parameters, others)
  const curves: number[][] = validations.map(() => [])
  const best = validations.map(() => ({ loss: Infinity, at: 0 }))
  try {
    for (let iteration = 1; iteration <= limits.iterationsMax; iteration++) {
      const finished = booster.update()
      for (const [index, curve] of curves.entries()) {
        const loss = booster.evaluate(index)[0]!
        curve.push(loss)
        if (loss < best[index]!.loss) best[index] = { loss, at: iteration }
      }
      if (finished || best.every(({ at }) => iteration - at >= limits.patience)) break
    }
    return curves.map((curve) => stoppedEarly(curve, limits.patience))
  } finally {
    booster.free()
    for (const data of [...others, set]) data.free()
  }
}

export interface FittedTrees {
  readonly ensemble: TreeEnsemble
  /** LightGBM's own margins of each scored data set. */
  readonly margins: readonly Float64Array[]
}

/** A fit of `iterations` trees, fewer only where no split is left, copied out of the library. */
export const fitTrees = (
  task: TreeTask,
  settings: TreeSettings,
  training: Dataset,
  iterations: number,
  scored: readonly Dataset[],
): FittedTrees => {
  const parameters = treeParameters(settings, task, training.columns)
  const set = new TrainingSet(task.lightgbm, asMatrix(training), training.labels, parameters)
  const booster = new Booster(task.lightgbm, set, parameters)
  try {
    for (let iteration = 0; iteration < iterations; iteration++) if (booster.update()) break
    return { ensemble: readLightGbmText(booster.text()), margins: scored.map((data) => booster.margins(asMatrix(data))) }
  } finally {
    booster.free()
    set.free()
  }
}
