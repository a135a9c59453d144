/** Gradient-boosted trees as training sees them, whichever library grows them. */
import type { EncodedColumn } from '#registry/manifest.ts'
import type { TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { Dataset } from './dataset.ts'

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
  readonly learner: TreeLearner
  readonly seed: number
  /** Directions credit sense demands, by feature index. */
  readonly directions: ReadonlyMap<number, 1 | -1>
  readonly threads: number
}

export interface CurveLimits {
  readonly iterationsMax: number
  readonly patience: number
}

export interface FittedTrees {
  readonly ensemble: TreeEnsemble
  /** The library's own margins of each scored data set. */
  readonly margins: readonly Float64Array[]
  /** What was made of features before the trees were grown; the ensemble takes features as they are all the same. */
  readonly encoded?: readonly EncodedColumn[]
}

/** What training asks of a library of boosted trees. */
export interface TreeLearner {
  readonly kind: 'lightgbm' | 'xgboost'
  /** Release and build, and the device it fits on: another build may fit other trees. */
  readonly description: string
  /** Parameters as the library is told them, save those without influence on the result. */
  parameters(settings: TreeSettings, task: TreeTask, columns: number): Readonly<Record<string, unknown>>
  /**
   * Log loss after each iteration on each validation set. Trees are grown until no curve improves, but each curve ends by its own rows: one
   * set's labels must not decide how far another's curve is seen.
   */
  validationCurves(
    task: TreeTask,
    settings: TreeSettings,
    training: Dataset,
    validations: readonly Dataset[],
    limits: CurveLimits,
  ): number[][]
  /** A fit of `iterations` trees, fewer only where no split is left, copied out of the library. */
  fit(task: TreeTask, settings: TreeSettings, training: Dataset, iterations: number, scored: readonly Dataset[]): FittedTrees
}

export const DEPTH_MAX = 6
/**
 * One thread by default: fits of twenty thousand rows take half a second, and a second thread mostly waits for the first (73 s of wall and
 * 69 s of CPU time for the whole search with one, 100 s and 146 s with two on a shared machine). Oversubscription costs a factor of ten.
 */
export const THREADS_DEFAULT = 1
export const THREADS_MAX = 4
/** Thresholds of a feature at most: explanation bins are bytes. */
export const BINS_MAX = 254

/** The curve up to where it alone would have stopped, having not improved for `patience` iterations. */
const stoppedEarly = (curve: readonly number[], patience: number): number[] => {
  let best = 0
  for (let at = 1; at < curve.length; at++) {
    if (curve[at]! < curve[best]!) best = at
    if (at - best >= patience) return curve.slice(0, at + 1)
  }
  return [...curve]
}

/** Grows trees one by one until no validation set improves. `grow` adds one and says whether it was the last; `lossesNow` measures each set. */
export const growCurves = (
  sets: number,
  limits: CurveLimits,
  grow: (iteration: number) => boolean,
  lossesNow: (iteration: number) => readonly number[],
): number[][] => {
  const curves: number[][] = Array.from({ length: sets }, () => [])
  const best = curves.map(() => ({ loss: Infinity, at: 0 }))
  for (let iteration = 1; iteration <= limits.iterationsMax; iteration++) {
    const finished = grow(iteration)
    for (const [index, loss] of lossesNow(iteration).entries()) {
      curves[index]!.push(loss)
      if (loss < best[index]!.loss) best[index] = { loss, at: iteration }
    }
    if (finished || best.every(({ at }) => iteration - at >= limits.patience)) break
  }
  return curves.map((curve) => stoppedEarly(curve, limits.patience))
}
