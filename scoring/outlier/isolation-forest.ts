/**
 * Isolation forest: rows that few random cuts set apart are unusual. F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest", ICDM 2008.
 */
import { isLeaf, type Tree } from '#registry/onnx/tree-ensemble.ts'
import { exp, log } from '../exp-log.ts'

const EULER_MASCHERONI = 0.577_215_664_901_532_9

/** Mean number of cuts that set one of `rows` apart in a random tree: 2 H(n − 1) − 2 (n − 1) / n. */
export const meanPathLength = (rows: number): number => {
  if (rows <= 1) return 0
  if (rows === 2) return 1
  return 2 * (log(rows - 1) + EULER_MASCHERONI) - (2 * (rows - 1)) / rows
}

/** At each leaf: its depth, and what the rows that share it would still need. Covers are rows of the tree's own sample. */
export const pathLengths = (tree: Tree): Float64Array => {
  const lengths = new Float64Array(tree.feature.length)
  const visit = (node: number, depth: number): void => {
    if (isLeaf(tree, node)) {
      lengths[node] = depth + meanPathLength(tree.cover[node]!)
      return
    }
    visit(tree.left[node]!, depth + 1)
    visit(tree.right[node]!, depth + 1)
  }
  visit(0, 0)
  return lengths
}

const leafAt = (tree: Tree, row: Float32Array, at: number): number => {
  let node = 0
  for (let feature = tree.feature[0]!; feature !== -1; feature = tree.feature[node]!)
    node = row[at + feature]! <= tree.threshold[node]! ? tree.left[node]! : tree.right[node]!
  return node
}

/**
 * Score of the row at `row[at .. at + d)`, which has no missing values: 2^(−mean path length / what it is by chance), in (0, 1]; about 0.5 is
 * ordinary, near 1 set apart at once.
 */
export const isolationForest = (trees: readonly Tree[], rowsATree: number): ((row: Float32Array, at: number) => number) => {
  const lengths = trees.map(pathLengths)
  const rate = Math.LN2 / (trees.length * meanPathLength(rowsATree))
  return (row, at) => {
    let length = 0
    for (const [index, tree] of trees.entries()) length += lengths[index]![leafAt(tree, row, at)]!
    return exp(-length * rate)
  }
}
