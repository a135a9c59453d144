/** Interventional TreeSHAP, written plainly: one walk per tree and background row. The oracle of the block tables. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1))

const goesLeft = (tree: Tree, node: number, rows: Float32Array, at: number): boolean => {
  const x = rows[at + tree.feature[node]!]!
  return Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!
}

/** Adds the attributions of one tree for one pair of rows: where the rows part, the feature joins one side for the rest of the path. */
const walk = (tree: Tree, x: Float32Array, xAt: number, b: Float32Array, bAt: number, out: Float64Array): void => {
  const visit = (node: number, ours: readonly number[], theirs: readonly number[]): void => {
    if (isLeaf(tree, node)) {
      const [u, w, value] = [ours.length, theirs.length, tree.leafValue[node]!]
      for (const j of ours) out[j] = out[j]! + (value * factorial(u - 1) * factorial(w)) / factorial(u + w)
      for (const j of theirs) out[j] = out[j]! - (value * factorial(u) * factorial(w - 1)) / factorial(u + w)
      return
    }
    const feature = tree.feature[node]!
    const xChild = goesLeft(tree, node, x, xAt) ? tree.left[node]! : tree.right[node]!
    const bChild = goesLeft(tree, node, b, bAt) ? tree.left[node]! : tree.right[node]!
    if (xChild === bChild || ours.includes(feature)) return visit(xChild, ours, theirs)
    if (theirs.includes(feature)) return visit(bChild, ours, theirs)
    visit(xChild, [...ours, feature], theirs)
    visit(bChild, ours, [...theirs, feature])
  }
  visit(0, [], [])
}

/**
 * Attributions of the row `vectors[at .. at + d)` against the mean of `background` (rows × d), in units of the margin.
 * They add up to margin(row) − mean margin(background). Source: Lundberg et al. 2020, algorithm 3 ("independent").
 */
export const plainInterventional = (
  { features, trees }: TreeEnsemble,
  background: Float32Array,
  vectors: Float32Array,
  at: number,
): Float64Array => {
  const out = new Float64Array(features)
  const rows = background.length / features
  for (let r = 0; r < rows; r++) for (const tree of trees) walk(tree, vectors, at, background, r * features, out)
  return out.map((sum) => sum / rows)
}
