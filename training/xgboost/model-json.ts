/** Reads XGBoost's JSON model (format of release 1.0 and later) as plain trees. */
import { previousFloat32 } from '#registry/onnx/float32.ts'
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

interface JsonTree {
  readonly left_children: readonly number[]
  readonly right_children: readonly number[]
  readonly split_indices: readonly number[]
  /** Thresholds of splits; values of leaves. */
  readonly split_conditions: readonly number[]
  /** Where NaN goes; 0 and 1 or booleans, by release. */
  readonly default_left: readonly (number | boolean)[]
  readonly sum_hessian: readonly number[]
  readonly split_type?: readonly number[]
}

interface JsonModel {
  readonly learner: {
    readonly objective: { readonly name: string }
    readonly learner_model_param: { readonly base_score: string; readonly num_feature: string }
    readonly gradient_booster: { readonly model: { readonly trees: readonly JsonTree[] } }
  }
}

const CATEGORICAL = 1

/**
 * XGBoost sends x left where x < t. For float32 x and t that is x <= the float32 before t, which is what the ensemble says: no decision
 * changes. Covers are sums of Hessians (rows weighted by p(1 − p)): XGBoost counts no rows.
 */
const readTree = (json: JsonTree, index: number): Tree => {
  if (json.split_type?.includes(CATEGORICAL) === true)
    throw new Error(`XGBoost model: tree ${index} has a categorical split; encode it as numbers`)
  const tree = emptyTree(json.left_children.length)
  for (const [node, left] of json.left_children.entries()) {
    const condition = Math.fround(json.split_conditions[node]!)
    tree.cover[node] = json.sum_hessian[node]!
    if (left === -1) {
      tree.leafValue[node] = condition
      continue
    }
    tree.feature[node] = json.split_indices[node]!
    tree.threshold[node] = previousFloat32(condition)
    tree.left[node] = left
    tree.right[node] = json.right_children[node]!
    tree.missingLeft[node] = Number(json.default_left[node])
  }
  return tree
}

/** `0.5`, or from release 3.1 on a list of one, as text: `[5E-1]`. */
const baseMargin = (text: string): number => {
  const share = Number(text.replace(/^\[|\]$/g, ''))
  if (!(share > 0 && share < 1)) throw new Error(`XGBoost model: base_score "${text.slice(0, 32)}" is no share; save the model again`)
  return Math.log(share / (1 - share))
}

/** The ensemble whose margin is XGBoost's raw score. Throws where a tree uses what the export does not carry. */
export const readXgboostJson = (text: string): TreeEnsemble => {
  const { learner } = JSON.parse(text) as JsonModel
  if (learner.objective.name !== 'binary:logistic')
    throw new Error(`XGBoost model: objective ${learner.objective.name}; train with binary:logistic`)
  const { base_score, num_feature } = learner.learner_model_param
  return { features: Number(num_feature), base: baseMargin(base_score), trees: learner.gradient_booster.model.trees.map(readTree) }
}
