/** A scorecard as trees: one single-feature tree a term, so that the tree kernel and ONNX Runtime run it like any other member. */
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { Scorecard, ScorecardTerm } from './scorecard.ts'

/** Largest finite float32: every known value lies at or below it, NaN does not. */
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127

/** Root: known values left, missing right. Left: a balanced search over the edges. */
const termTree = ({ feature, bins, coefficient }: ScorecardTerm): Tree => {
  const tree = emptyTree(2 * bins.woe.length + 1)
  let used = 0
  const leaf = (woe: number, rows: number): number => {
    tree.leafValue[used] = -coefficient * woe
    tree.cover[used] = rows
    return used++
  }
  const branch = (node: number, threshold: number, left: number, right: number): number => {
    tree.feature[node] = feature
    tree.threshold[node] = threshold
    tree.left[node] = left
    tree.right[node] = right
    tree.cover[node] = tree.cover[left]! + tree.cover[right]!
    return node
  }
  const search = (from: number, to: number): number => {
    if (from === to) return leaf(bins.woe[from]!, bins.rows[from]!)
    const node = used++
    const middle = (from + to) >> 1
    return branch(node, bins.edges[middle]!, search(from, middle), search(middle + 1, to))
  }
  const root = used++
  branch(root, FLOAT32_MAX, search(0, bins.woe.length - 1), leaf(bins.missingWoe, bins.missingRows))
  return tree
}

/** The ensemble with the scorecard's margin. `features`: length of the whole vector. */
export const scorecardEnsemble = (card: Scorecard, features: number): TreeEnsemble => ({
  features,
  base: card.intercept,
  trees: card.terms.map(termTree),
})
