/** A tree ensemble as LightGBM's model text, so that LightGBM explains the very model that everyone else scores. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** `decision_type` bits of LightGBM's `tree.h`: missing type NaN, and the side it goes to. */
const MISSING_NAN = 8
const DEFAULT_LEFT = 2

const treeText = (tree: Tree, index: number): string => {
  const nodes = Array.from(tree.feature, (_, node) => node)
  const splits = nodes.filter((node) => !isLeaf(tree, node))
  const leaves = nodes.filter((node) => isLeaf(tree, node))
  const splitAt = new Map(splits.map((node, i) => [node, i]))
  const leafAt = new Map(leaves.map((node, i) => [node, i]))
  const child = (node: number): number => splitAt.get(node) ?? ~(leafAt.get(node) as number)
  const of = (where: readonly number[], value: (node: number) => number): string => where.map(value).join(' ')
  const one = (where: readonly number[], value: number): string => where.map(() => value).join(' ')
  return [
    `Tree=${index}`,
    `num_leaves=${leaves.length}`,
    'num_cat=0',
    `split_feature=${of(splits, (node) => tree.feature[node]!)}`,
    `split_gain=${one(splits, 1)}`,
    `threshold=${of(splits, (node) => tree.threshold[node]!)}`,
    `decision_type=${of(splits, (node) => MISSING_NAN + (tree.missingLeft[node] === 1 ? DEFAULT_LEFT : 0))}`,
    `left_child=${of(splits, (node) => child(tree.left[node]!))}`,
    `right_child=${of(splits, (node) => child(tree.right[node]!))}`,
    `leaf_value=${of(leaves, (node) => tree.leafValue[node]!)}`,
    `leaf_weight=${of(leaves, (node) => tree.cover[node]!)}`,
    `leaf_count=${of(leaves, (node) => tree.cover[node]!)}`,
    `internal_value=${one(splits, 0)}`,
    `internal_weight=${of(splits, (node) => tree.cover[node]!)}`,
    `internal_count=${of(splits, (node) => tree.cover[node]!)}`,
    'is_linear=0',
    'shrinkage=1',
    '',
    '',
  ].join('\n')
}

/** Margins are raw scores; the ensemble's base is not part of the text. */
export const lightGbmText = ({ features, trees }: TreeEnsemble): string => {
  const each = (text: (feature: number) => string): string => Array.from({ length: features }, (_, feature) => text(feature)).join(' ')
  const head = [
    'tree',
    'version=v3',
    'num_class=1',
    'num_tree_per_iteration=1',
    'label_index=0',
    `max_feature_idx=${features - 1}`,
    `feature_names=${each((feature) => `f${feature}`)}`,
    `feature_infos=${each(() => '[-1e+300:1e+300]')}`,
    '',
    '',
  ].join('\n')
  return `${head}${trees.map(treeText).join('\n')}\nend of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n`
}
