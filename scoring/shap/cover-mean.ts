/** What an ensemble says of a row nothing is known of. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** Mean of a subtree's leaves, weighted by the shares of training rows that reached them. */
export const coverMeanOfTree = (tree: Tree, node = 0): number => {
  if (isLeaf(tree, node)) return tree.leafValue[node]!
  const [left, right] = [tree.left[node]!, tree.right[node]!]
  const share = (child: number): number => tree.cover[child]! / tree.cover[node]!
  return share(left) * coverMeanOfTree(tree, left) + share(right) * coverMeanOfTree(tree, right)
}

/** Base plus the cover means of all trees: what path-dependent attributions are measured from. */
export const coverMean = ({ base, trees }: TreeEnsemble): number => trees.reduce((sum, tree) => sum + coverMeanOfTree(tree), base)
