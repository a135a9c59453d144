/** A scorecard as trees: one single-feature tree a term, so that the tree kernel and ONNX Runtime run it like any other member. */
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { Scorecard, ScorecardTerm } from './scorecard.ts'

/** Largest finite float32: every known value lies at or below it, NaN does not. */
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127

/** Root: known values left, missing right. Left: a balanced search over the edges. */
const termTree = ({ feature, bins, coefficient }: ScorecardTerm): Tree => {
  const tree = emptyTree(2 * bins.woe.length + 1)
  let used = 0
  const leaf = (woe: number): number => {
    tree.leafValue[used] = -coefficient * woe
    return used++
  }
  const search = (from: number, to: number): number => {
    if (from === to) return leaf(bins.woe[from]!)
    const node = used++
    const middle = (from + to) >> 1
    tree.feature[node] = feature
    tree.threshold[node] = bins.edges[middle]!
    tree.left[node] = search(from, middle)
    tree.right[node] = search(middle + 1, to)
    return node
  }
  const root = used++
  tree.feature[root] = feature
  tree.threshold[root] = FLOAT32_MAX
  tree.left[root] = search(0, bins.woe.length - 1)
  tree.right[root] = leaf(bins.missingWoe)
  return tree
}

/** The ensemble with the scorecard's margin. `features`: length of the whole vector. */
export const scorecardEnsemble = (card: Scorecard, features: number): TreeEnsemble => ({
  features,
  base: card.intercept,
  trees: card.terms.map(termTree),
})
