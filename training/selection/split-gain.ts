/** How much a feature's splits part what trees say: importance that can be read off any ensemble. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** Cover and mean leaf value below a node; the gains of its splits are added to `gains`. */
const below = (tree: Tree, node: number, gains: Float64Array): { cover: number; mean: number } => {
  if (isLeaf(tree, node)) return { cover: tree.cover[node]!, mean: tree.leafValue[node]! }
  const left = below(tree, tree.left[node]!, gains)
  const right = below(tree, tree.right[node]!, gains)
  const cover = left.cover + right.cover
  const feature = tree.feature[node]!
  if (cover > 0) gains[feature] = gains[feature]! + ((left.cover * right.cover) / cover) * (left.mean - right.mean) ** 2
  return { cover, mean: cover > 0 ? (left.cover * left.mean + right.cover * right.mean) / cover : 0 }
}

/**
 * Share of each feature in what all splits explain, summing to 1 (0 where there is no split): at a split, the sum of squares between its sides,
 * n₁ n₂ / (n₁ + n₂) · (m₁ − m₂)² with their covers n and mean leaf values m. For one tree the sum over splits is the variance of its output times the rows.
 */
export const splitGain = ({ features, trees }: TreeEnsemble): Float64Array => {
  const gains = new Float64Array(features)
  for (const tree of trees) below(tree, 0, gains)
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  return total > 0 ? gains.map((gain) => gain / total) : gains
}
