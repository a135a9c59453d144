/** Margins of a tree ensemble by the WebAssembly kernel. Its plain twin and oracle is tree-margin-plain.ts. */
import { isLeaf, treeDepth, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { KernelMemory } from './kernel-memory.ts'

/** Trees that walk side by side. */
export const TREES_A_GROUP = 8
const NODE_BYTES = 8
/** A node names its child by u16 within the group. */
const NODES_A_GROUP_MAX = 65_536
/** A node names its feature by a u16 byte offset into a row held twice. */
const FEATURES_MAX = 8_190
/** Prepared rows of one pass; see ROWS_A_PASS in assembly/tree-margin.ts. */
const ROWS_A_PASS = 32

/** Order in which trees are grouped and added: by depth, then as in the file. Margins depend on it in the last bits, so it is fixed here. */
export const treeOrder = (trees: readonly Tree[]): number[] => {
  const depths = trees.map((tree) => treeDepth(tree))
  return trees.map((_, index) => index).sort((a, b) => depths[a]! - depths[b]! || a - b)
}

export interface TreeMargin {
  /** Margin of the row `vectors[at .. at + d)`, NaN = missing; base plus the sum of leaves in float64, bit for bit as in {@link batch}. */
  one(vectors: Float32Array, at: number): number
  /** Margins of `rows` consecutive rows of d features. */
  batch(vectors: Float32Array, rows: number): Float64Array
}

interface Group {
  readonly trees: readonly Tree[]
  readonly steps: number
  readonly nodes: number
}

const groupsOf = ({ trees }: TreeEnsemble): Group[] => {
  const ordered = treeOrder(trees).map((index) => trees[index]!)
  const groups: Group[] = []
  for (let i = 0; i < ordered.length; i += TREES_A_GROUP) {
    const members = ordered.slice(i, i + TREES_A_GROUP)
    const nodes = TREES_A_GROUP - members.length + members.reduce((sum, tree) => sum + tree.feature.length, 0)
    if (nodes > NODES_A_GROUP_MAX)
      throw new Error(`eight trees have ${nodes} nodes, more than ${NODES_A_GROUP_MAX}; train with fewer leaves`)
    groups.push({ trees: members, nodes, steps: Math.max(...members.map((tree) => treeDepth(tree))) })
  }
  return groups
}

/** Writes a group's nodes breadth first, the eight roots at 0..7 and siblings side by side. Absent trees are leaves of value 0. */
const writeGroup = (view: DataView, at: number, { trees }: Group, features: number): void => {
  const write = (index: number, value: number, cell: number, child: number): void => {
    view.setFloat32(at + index * NODE_BYTES, value, true)
    view.setUint16(at + index * NODE_BYTES + 4, cell * 4, true)
    view.setUint16(at + index * NODE_BYTES + 6, child, true)
  }
  const minusInfinity = 2 * features
  for (let root = trees.length; root < TREES_A_GROUP; root++) write(root, 0, minusInfinity, root)
  const queue = trees.map((tree, root) => ({ tree, node: 0, index: root }))
  let free = TREES_A_GROUP
  for (const { tree, node, index } of queue) {
    if (isLeaf(tree, node)) {
      write(index, tree.leafValue[node]!, minusInfinity, index)
      continue
    }
    const cell = tree.feature[node]! + (tree.missingLeft[node] === 1 ? 0 : features)
    write(index, tree.threshold[node]!, cell, free)
    queue.push({ tree, node: tree.left[node]!, index: free }, { tree, node: tree.right[node]!, index: free + 1 })
    free += 2
  }
}

/** Where an ensemble lies in kernel memory: addresses and counts, good in every copy of that memory. */
export interface TreeLayout {
  readonly features: number
  readonly base: number
  readonly rowsMax: number
  readonly groups: number
  readonly table: number
  readonly scratch: number
  readonly rows: number
  readonly out: number
}

/**
 * Lays an ensemble whose thresholds and leaves are float32 (as read from ONNX) out in kernel memory.
 * @param rowsMax most rows of one kernel call; larger batches are cut.
 * @throws Error where the ensemble exceeds the kernel's limits.
 */
export const writeTrees = (memory: KernelMemory, ensemble: TreeEnsemble, rowsMax = 256): TreeLayout => {
  const { features, base } = ensemble
  if (features > FEATURES_MAX) throw new Error(`${features} features, more than the ${FEATURES_MAX} the tree kernel addresses`)
  const groups = groupsOf(ensemble)
  const table = memory.allocate(Math.max(1, groups.length) * 8)
  const addresses = groups.map((group) => memory.allocate(group.nodes * NODE_BYTES))
  const scratch = memory.allocate(ROWS_A_PASS * (features * 2 + 1) * 4)
  const rows = memory.allocate(rowsMax * features * 4)
  const out = memory.allocate(rowsMax * 8)
  const view = new DataView(memory.buffer())
  for (const [index, group] of groups.entries()) {
    view.setUint32(table + index * 8, addresses[index]!, true)
    view.setUint32(table + index * 8 + 4, group.steps, true)
    writeGroup(view, addresses[index]!, group, features)
  }
  return { features, base, rowsMax, groups: groups.length, table, scratch, rows, out }
}

/** The margins of an ensemble that {@link writeTrees} laid out in this memory, or in the one it is a copy of. */
export const treeMarginAt = (memory: KernelMemory, layout: TreeLayout): TreeMargin => {
  const { features, base, rowsMax, groups, table, scratch, rows, out } = layout
  let buffer: ArrayBuffer | undefined
  let inputs = new Float32Array(0)
  let outputs = new Float64Array(0)
  const run = (vectors: Float32Array, at: number, count: number): void => {
    if (buffer !== memory.buffer()) {
      buffer = memory.buffer()
      inputs = new Float32Array(buffer, rows, rowsMax * features)
      outputs = new Float64Array(buffer, out, rowsMax)
    }
    if (count === 1) for (let i = 0; i < features; i++) inputs[i] = vectors[at + i]!
    else inputs.set(vectors.subarray(at, at + count * features))
    memory.kernels.treeMargins(rows, count, features, table, groups, base, scratch, out)
  }
  return {
    one: (vectors, at) => {
      run(vectors, at, 1)
      return outputs[0]!
    },
    batch: (vectors, count) => {
      const margins = new Float64Array(count)
      for (let from = 0; from < count; from += rowsMax) {
        const taken = Math.min(rowsMax, count - from)
        run(vectors, from * features, taken)
        margins.set(outputs.subarray(0, taken), from)
      }
      return margins
    },
  }
}

/** Both in one: {@link writeTrees}, {@link treeMarginAt}. */
export const treeMargin = (memory: KernelMemory, ensemble: TreeEnsemble, rowsMax?: number): TreeMargin =>
  treeMarginAt(memory, writeTrees(memory, ensemble, rowsMax))
