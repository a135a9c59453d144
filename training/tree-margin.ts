/** The plain way to evaluate a tree ensemble: what golden rows are computed with, independent of the serving kernels. */
import type { Tree, TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { roundDownToFloat32 } from '#registry/onnx/float32.ts'

/** The ensemble as its ONNX graph says it: thresholds rounded down to float32, leaves and base to the nearest float32. */
export const asExported = ({ features, base, trees }: TreeEnsemble): TreeEnsemble => ({
  features,
  base: Math.fround(base),
  trees: trees.map((tree) => ({
    ...tree,
    threshold: tree.threshold.map(roundDownToFloat32),
    leafValue: tree.leafValue.map(Math.fround),
  })),
})

/** Place of the leaf that the row at `row[at .. at + d)` reaches. */
export const leafOf = (tree: Tree, row: Float32Array, at: number): number => {
  let node = 0
  while (tree.feature[node]! >= 0) {
    const value = row[at + tree.feature[node]!]!
    const left = Number.isNaN(value) ? tree.missingLeft[node] === 1 : value <= tree.threshold[node]!
    node = left ? tree.left[node]! : tree.right[node]!
  }
  return node
}

/** Margin (log-odds of bad) of the row at `rows[at .. at + d)`, summed in float64 in tree order. */
export const treeMargin = (ensemble: TreeEnsemble, rows: Float32Array, at: number): number => {
  let margin = ensemble.base
  for (const tree of ensemble.trees) margin += tree.leafValue[leafOf(tree, rows, at)]!
  return margin
}
