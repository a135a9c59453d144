/** Path-dependent TreeSHAP, written plainly. The oracle of the block tables. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** A feature met on the path: the share of coalitions' weight that flows on where it is unknown (`zero`) and known (`one`). */
interface PathStep {
  feature: number
  zero: number
  one: number
  weight: number
}

const extend = (path: readonly PathStep[], zero: number, one: number, feature: number): PathStep[] => {
  const grown = [...path.map((step) => ({ ...step })), { feature, zero, one, weight: path.length === 0 ? 1 : 0 }]
  const last = path.length
  for (let i = last - 1; i >= 0; i--) {
    const step = grown[i]!
    const next = grown[i + 1]!
    next.weight += (one * step.weight * (i + 1)) / (last + 1)
    step.weight = (zero * step.weight * (last - i)) / (last + 1)
  }
  return grown
}

/** Undoes {@link extend} of the step at `index`. */
const unwind = (path: readonly PathStep[], index: number): PathStep[] => {
  const last = path.length - 1
  const { zero, one } = path[index]!
  const weights = path.slice(0, last).map((step) => step.weight)
  let carried = path[last]!.weight
  for (let j = last - 1; j >= 0; j--) {
    if (one === 0) {
      weights[j] = (weights[j]! * (last + 1)) / (zero * (last - j))
      continue
    }
    const before = weights[j]!
    weights[j] = (carried * (last + 1)) / ((j + 1) * one)
    carried = before - (weights[j]! * zero * (last - j)) / (last + 1)
  }
  return path.filter((_, i) => i !== index).map((step, i) => ({ ...step, weight: weights[i]! }))
}

const attributeTree = (tree: Tree, vectors: Float32Array, at: number, out: Float64Array): void => {
  const visit = (node: number, parent: readonly PathStep[], zero: number, one: number, feature: number): void => {
    const path = extend(parent, zero, one, feature)
    if (isLeaf(tree, node)) {
      for (let i = 1; i < path.length; i++) {
        const step = path[i]!
        const weight = unwind(path, i).reduce((sum, { weight: w }) => sum + w, 0)
        out[step.feature] = out[step.feature]! + weight * (step.one - step.zero) * tree.leafValue[node]!
      }
      return
    }
    const split = tree.feature[node]!
    const x = vectors[at + split]!
    const left = Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!
    const [hot, cold] = left ? [tree.left[node]!, tree.right[node]!] : [tree.right[node]!, tree.left[node]!]
    const met = path.findIndex((step, i) => i > 0 && step.feature === split)
    const before = met === -1 ? { zero: 1, one: 1 } : path[met]!
    const rest = met === -1 ? path : unwind(path, met)
    const share = (child: number): number => tree.cover[child]! / tree.cover[node]!
    visit(hot, rest, before.zero * share(hot), before.one, split)
    visit(cold, rest, before.zero * share(cold), 0, split)
  }
  visit(0, [], 1, 1, -1)
}

/**
 * Attributions of the row `vectors[at .. at + d)` where unknown features follow the training rows' covers, in units of the margin.
 * They add up to margin(row) − the mean by covers (cover-mean.ts). Source: Lundberg et al., "Consistent individualized feature attribution for tree ensembles", 2018, algorithm 2.
 */
export const plainPathDependent = ({ features, trees }: TreeEnsemble, vectors: Float32Array, at: number): Float64Array => {
  const out = new Float64Array(features)
  for (const tree of trees) attributeTree(tree, vectors, at, out)
  return out
}
