/** Margins of a tree ensemble, written plainly: the oracle of the kernel, equal to it bit for bit. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { TREES_A_GROUP, treeOrder } from './tree-margin.ts'

/** Value of the leaf that row `vectors[at ..)` reaches; NaN takes the side its node names. */
export const leafOf = (tree: Tree, vectors: Float32Array, at: number): number => {
  let node = 0
  while (!isLeaf(tree, node)) {
    const x = vectors[at + tree.feature[node]!]!
    const left = Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!
    node = left ? tree.left[node]! : tree.right[node]!
  }
  return tree.leafValue[node]!
}

/** Margin of one row: base, then the sums of eight trees at a time, each sum in pairs: the kernel's order of additions. */
export const plainTreeMargin = ({ base, trees }: TreeEnsemble, vectors: Float32Array, at: number): number => {
  const leaves = treeOrder(trees).map((index) => leafOf(trees[index]!, vectors, at))
  let margin = base
  for (let i = 0; i < leaves.length; i += TREES_A_GROUP) {
    const value = (k: number): number => leaves[i + k] ?? 0
    margin += value(0) + value(1) + (value(2) + value(3)) + (value(4) + value(5) + (value(6) + value(7)))
  }
  return margin
}
