/**
 * A learner whose trees are grown over cleaned and encoded columns. Encoders are fitted on the very rows each fit learns from, so that validation knows
 * nothing of the rows it judges by; the trees it hands out take features as they are.
 */
import { type TreeEnsemble, treeDepth } from '#registry/onnx/tree-ensemble.ts'
import { BINS_MAX, type FittedTrees, type TreeLearner, type TreeSettings, type TreeTask } from '../boosted-trees.ts'
import type { Dataset } from '../dataset.ts'
import { fitPreparation, type FittedPreparation } from './fit-preparation.ts'
import { foldIntoTrees, recover } from './fold-into-trees.ts'
import type { PreparationStep } from './preparation.ts'

/** Deepest tree that is explained exactly (`scoring/shap/blocks.ts`). */
const FOLDED_DEPTH_MAX = 8
/** A question about one code is two about the feature: trees that may ask it are grown half as deep as may be explained. */
const CODED_DEPTH_MAX = FOLDED_DEPTH_MAX / 2
/** "Bad rate at most …" is a set of codes, found among eight in three questions; two such sets on a path leave room for what else it asks. */
const RATED_DEPTH_MAX = 3

/** Most levels that trees over these columns may have: each may become several over features. */
const depthMax = (steps: readonly PreparationStep[]): number => {
  if (steps.some(({ how }) => how === 'target')) return RATED_DEPTH_MAX
  return steps.some(({ how }) => how === 'one-hot') ? CODED_DEPTH_MAX : FOLDED_DEPTH_MAX
}

/** Distinct thresholds of each feature. */
const thresholdsOf = ({ features, trees }: TreeEnsemble): number[] => {
  const distinct = Array.from({ length: features }, () => new Set<number>())
  for (const tree of trees) tree.feature.forEach((feature, node) => feature !== -1 && distinct[feature]!.add(tree.threshold[node]!))
  return distinct.map(({ size }) => size)
}

/** What explanations cannot hold is refused here, before a bundle is made of it. */
const checkExplainable = (ensemble: TreeEnsemble, features: readonly string[]): void => {
  const depth = Math.max(0, ...ensemble.trees.map((tree) => treeDepth(tree)))
  if (depth > FOLDED_DEPTH_MAX)
    throw new RangeError(
      `trees over the prepared columns ask ${depth} questions about features in a row, more than the ${FOLDED_DEPTH_MAX} that are explained exactly; prepare fewer features of many codes`,
    )
  for (const [feature, thresholds] of thresholdsOf(ensemble).entries())
    if (thresholds > BINS_MAX)
      throw new RangeError(
        `trees cut ${features[feature]} at ${thresholds} values, more than the ${BINS_MAX} that are explained exactly; prepare it without "keep"`,
      )
}

const foldFitted = (fitted: FittedTrees, prepared: FittedPreparation, training: Dataset, features: readonly string[]): FittedTrees => {
  const ensemble = foldIntoTrees(fitted.ensemble, prepared.columns, training.columns)
  checkExplainable(ensemble, features)
  const encoded = prepared.columns.flatMap((column) => (column.encoded === null ? [] : [column.encoded]))
  return { ...fitted, ensemble: recover(ensemble, training.values), encoded }
}

/** `features`: names in vector order. Without steps it is the learner itself. */
export const preparedLearner = (learner: TreeLearner, steps: readonly PreparationStep[], features: readonly string[]): TreeLearner => {
  if (steps.length === 0) return learner
  const bounded = (settings: TreeSettings): TreeSettings => ({ ...settings, depth: Math.min(settings.depth, depthMax(steps)) })
  const prepare = (task: TreeTask, training: Dataset) => {
    const prepared = fitPreparation(steps, training, { features, directions: task.directions, seed: task.seed })
    return { prepared, inner: { ...task, learner, directions: prepared.directions } satisfies TreeTask }
  }
  return {
    kind: learner.kind,
    description: learner.description,
    parameters: (settings, task, columns) => learner.parameters(bounded(settings), task, columns),
    validationCurves(task, settings, training, validations, limits) {
      const { prepared, inner } = prepare(task, training)
      return learner.validationCurves(
        inner,
        bounded(settings),
        prepared.training,
        validations.map((data) => prepared.encoded(data)),
        limits,
      )
    },
    fit(task, settings, training, iterations, scored) {
      const { prepared, inner } = prepare(task, training)
      const sets = scored.map((data) => prepared.encoded(data))
      const fitted = learner.fit(inner, bounded(settings), prepared.training, iterations, sets)
      return foldFitted(fitted, prepared, training, features)
    },
  }
}
