/** A regression tree ensemble as plain arrays: what ONNX `TreeEnsembleRegressor` says, without its encoding. */

/**
 * One binary tree; entries of all arrays belong to node i, the root is node 0. An internal node sends x to `left` where
 * x[feature] <= threshold, to `right` where greater, and NaN to the side `missingLeft` names.
 */
export interface Tree {
  /** Feature index, or -1 in a leaf. */
  readonly feature: Int32Array
  /** Meaningless in a leaf. As read from ONNX always a float32; the writer rounds doubles down. */
  readonly threshold: Float64Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** 1 where NaN goes left. */
  readonly missingLeft: Uint8Array
  /** Log-odds a leaf adds; meaningless in an internal node. As read from ONNX always a float32; the writer rounds to nearest. */
  readonly leafValue: Float64Array
  /** Training rows (or their weight) that reached the node; 0 where unknown. */
  readonly cover: Float64Array
}

/** Margin of a row = base + Σ value of the leaf it reaches in each tree. */
export interface TreeEnsemble {
  /** Number of input features d. */
  readonly features: number
  readonly base: number
  readonly trees: readonly Tree[]
}

export const isLeaf = (tree: Tree, node: number): boolean => tree.feature[node] === -1

/** A tree of `nodes` nodes, all of them leaves of value 0, to be filled in. */
export const emptyTree = (nodes: number): Tree => ({
  feature: new Int32Array(nodes).fill(-1),
  threshold: new Float64Array(nodes),
  left: new Int32Array(nodes),
  right: new Int32Array(nodes),
  missingLeft: new Uint8Array(nodes),
  leafValue: new Float64Array(nodes),
  cover: new Float64Array(nodes),
})

/** Number of decisions on the longest path from the root to a leaf. */
export const treeDepth = (tree: Tree, node = 0): number =>
  isLeaf(tree, node) ? 0 : 1 + Math.max(treeDepth(tree, tree.left[node]), treeDepth(tree, tree.right[node]))

/**
 * Checks that every tree is a tree: each node but the root has one parent, indices are in range, thresholds and leaves are finite.
 * @throws Error naming tree, node, value and remedy.
 */
export const checkTreeEnsemble = ({ features, base, trees }: TreeEnsemble): void => {
  if (!Number.isInteger(features) || features < 1) throw new Error(`tree ensemble: features must be a positive integer, got ${features}`)
  if (!Number.isFinite(base)) throw new Error(`tree ensemble: base must be finite, got ${base}`)
  for (const [index, tree] of trees.entries()) checkTree(tree, index, features)
}

const checkTree = (tree: Tree, index: number, features: number): void => {
  const nodes = tree.feature.length
  const fail = (node: number, what: string): never => {
    throw new Error(`tree ensemble: tree ${index}, node ${node}: ${what}; export the model again`)
  }
  if (nodes === 0) fail(0, 'the tree has no nodes')
  const seen = new Uint8Array(nodes)
  const open = [0]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen[node] === 1) fail(node, 'reached by two paths')
    seen[node] = 1
    if (isLeaf(tree, node)) {
      if (!Number.isFinite(Math.fround(tree.leafValue[node]!))) fail(node, `leaf value ${tree.leafValue[node]} is not a finite float32`)
      continue
    }
    const feature = tree.feature[node]!
    if (feature < 0 || feature >= features) fail(node, `feature ${feature} lies outside 0..${features - 1}`)
    if (Number.isNaN(tree.threshold[node]!)) fail(node, 'the threshold is NaN')
    for (const child of [tree.left[node]!, tree.right[node]!]) {
      if (!(child > 0 && child < nodes)) fail(node, `child ${child} lies outside 1..${nodes - 1}`)
      open.push(child)
    }
  }
  const orphan = seen.indexOf(0)
  if (orphan !== -1) fail(orphan, 'not reachable from the root')
}
