/** From LightGBM's dump_model JSON to plain trees, for models the benchmark trains in Python. */
import { emptyTree, type Tree } from '#registry/onnx/tree-ensemble.ts'

export interface DumpedNode {
  readonly split_feature?: number
  readonly threshold: number
  readonly default_left: boolean
  readonly missing_type: 'None' | 'NaN' | 'Zero'
  readonly left_child: DumpedNode
  readonly right_child: DumpedNode
  readonly leaf_value: number
  readonly leaf_count?: number
  readonly internal_count: number
}

const nodesOf = (node: DumpedNode): number =>
  node.split_feature === undefined ? 1 : 1 + nodesOf(node.left_child) + nodesOf(node.right_child)

/** Missing type None reads NaN as 0; Zero (0 is missing) does not occur without zero_as_missing. */
export const treeFromDump = (root: DumpedNode): Tree => {
  const tree = emptyTree(nodesOf(root))
  let next = 0
  const place = (node: DumpedNode): number => {
    const at = next++
    tree.cover[at] = node.leaf_count ?? node.internal_count
    if (node.split_feature === undefined) {
      tree.leafValue[at] = node.leaf_value
      return at
    }
    tree.feature[at] = node.split_feature
    tree.threshold[at] = node.threshold
    tree.missingLeft[at] = (node.missing_type === 'NaN' ? node.default_left : node.threshold >= 0) ? 1 : 0
    tree.left[at] = place(node.left_child)
    tree.right[at] = place(node.right_child)
    return at
  }
  place(root)
  return tree
}
