/** Rows that stand on the edges of a model's decisions: where two runtimes would differ first. */
import { nextFloat32, previousFloat32 } from '#registry/onnx/float32.ts'
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

interface Split {
  readonly tree: Tree
  /** Nodes from the root to the split, with the side taken at each. */
  readonly path: readonly { readonly node: number; readonly left: boolean }[]
  readonly node: number
}

function* splitsOf(tree: Tree, node = 0, path: Split['path'] = []): Generator<Split> {
  if (isLeaf(tree, node)) return
  yield { tree, path, node }
  yield* splitsOf(tree, tree.left[node], [...path, { node, left: true }])
  yield* splitsOf(tree, tree.right[node], [...path, { node, left: false }])
}

/** Moves the row, as little as a step to the threshold needs, so that it reaches the split. */
const reach = ({ tree, path }: Split, row: Float32Array): void => {
  for (const { node, left } of path) {
    const feature = tree.feature[node]!
    const threshold = tree.threshold[node]!
    const x = row[feature]!
    if (left && !(x <= threshold)) row[feature] = threshold
    if (!left && !(x > threshold)) row[feature] = nextFloat32(threshold)
  }
}

/**
 * For up to `splitsMax` splits, evenly sampled, four rows each: the split's feature at the float32 before, at and after the threshold, and
 * missing. Each starts from a row of `from` (rows × d) and is moved so that it reaches the split.
 */
export const thresholdProbes = ({ features, trees }: TreeEnsemble, from: Float32Array, splitsMax: number): Float32Array => {
  const splits = trees.flatMap((tree) => [...splitsOf(tree)])
  const taken = Math.min(splitsMax, splits.length)
  const rows = from.length / features
  const probes = new Float32Array(taken * 4 * features)
  for (let i = 0; i < taken; i++) {
    const split = splits[Math.floor((i * splits.length) / taken)]!
    const start = from.slice((i % rows) * features, ((i % rows) + 1) * features)
    reach(split, start)
    const threshold = split.tree.threshold[split.node]!
    for (const [k, x] of [previousFloat32(threshold), threshold, nextFloat32(threshold), NaN].entries()) {
      const at = (i * 4 + k) * features
      probes.set(start, at)
      probes[at + split.tree.feature[split.node]!] = x
    }
  }
  return probes
}
