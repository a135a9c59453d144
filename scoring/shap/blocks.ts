/** Cuts trees into blocks: subtrees so small that the conditions deciding within and above them fit one byte. */
import { isLeaf, treeDepth, type Tree } from '#registry/onnx/tree-ensemble.ts'

/** A split, as a condition: true (bit 1) where the row goes right. */
export interface Condition {
  readonly feature: number
  readonly threshold: number
  /** Whether the condition holds where the feature is missing. */
  readonly missingRight: boolean
}

/** What must hold of one feature for a row to reach a leaf: of the conditions in `mask`, exactly those in `wanted` are true. */
interface Demand {
  /** Index into the block's players. */
  readonly player: number
  readonly mask: number
  readonly wanted: number
  /** Product of cover(child) / cover(parent) along the feature's splits: the share that passes where the feature is unknown. */
  readonly share: number
}

export interface BlockLeaf {
  readonly value: number
  /** One entry a distinct feature on the path; splits met twice are one player. */
  readonly demands: readonly Demand[]
}

export interface Block {
  /** Splits on the path to the subtree's root, then its own; condition i is bit i of the raw pattern. */
  readonly conditions: readonly Condition[]
  /** Distinct features of the conditions, in the order first met. */
  readonly players: readonly number[]
  readonly leaves: readonly BlockLeaf[]
  /** Raw pattern of the child with the larger cover at each split. */
  readonly likely: number
}

/** Deepest tree whose conditions fit the one-byte codes of the kernel. */
export const DEPTH_MAX = 8
/** Conditions a block may hold: 7 up to depth 6 (blocks of four leaves, 4 KB tables), 8 beyond. */
export const conditionsMax = (depth: number): number => (depth <= 6 ? 7 : 8)

interface Step {
  readonly bit: number
  readonly node: number
  readonly right: boolean
}

const splitsBelow = (tree: Tree, node: number): number[] =>
  isLeaf(tree, node) ? [] : [node, ...splitsBelow(tree, tree.left[node]!), ...splitsBelow(tree, tree.right[node]!)]

const leafDemands = (tree: Tree, steps: readonly Step[], players: readonly number[]): Demand[] => {
  const demands = new Map<number, { mask: number; wanted: number; share: number }>()
  for (const { bit, node, right } of steps) {
    const feature = tree.feature[node]!
    const known = demands.get(feature) ?? { mask: 0, wanted: 0, share: 1 }
    const child = right ? tree.right[node]! : tree.left[node]!
    demands.set(feature, {
      mask: known.mask | (1 << bit),
      wanted: known.wanted | (right ? 1 << bit : 0),
      share: known.share * (tree.cover[child]! / tree.cover[node]!),
    })
  }
  return [...demands].map(([feature, demand]) => ({ player: players.indexOf(feature), ...demand }))
}

const blockAt = (tree: Tree, root: number, path: readonly Step[]): Block => {
  const own = splitsBelow(tree, root)
  const nodes = [...path.map((step) => step.node), ...own]
  const players = [...new Set(nodes.map((node) => tree.feature[node]!))]
  const leaves: BlockLeaf[] = []
  const visit = (node: number, steps: readonly Step[]): void => {
    if (isLeaf(tree, node)) {
      leaves.push({ value: tree.leafValue[node]!, demands: leafDemands(tree, steps, players) })
      return
    }
    const bit = path.length + own.indexOf(node)
    visit(tree.left[node]!, [...steps, { bit, node, right: false }])
    visit(tree.right[node]!, [...steps, { bit, node, right: true }])
  }
  visit(root, path)
  return {
    conditions: nodes.map((node) => ({
      feature: tree.feature[node]!,
      threshold: tree.threshold[node]!,
      missingRight: tree.missingLeft[node] !== 1,
    })),
    players,
    leaves,
    likely: nodes.reduce((code, node, bit) => code | (tree.cover[tree.right[node]!]! > tree.cover[tree.left[node]!]! ? 1 << bit : 0), 0),
  }
}

/** Blocks of one tree, depth first; none for a tree that is a single leaf. Every leaf lies in exactly one block. */
export const blocksOf = (tree: Tree, conditions: number): Block[] => {
  const cut = (node: number, path: readonly Step[]): Block[] => {
    if (path.length + splitsBelow(tree, node).length <= conditions) return [blockAt(tree, node, path)]
    const bit = path.length
    return [
      ...cut(tree.left[node]!, [...path, { bit, node, right: false }]),
      ...cut(tree.right[node]!, [...path, { bit, node, right: true }]),
    ]
  }
  if (treeDepth(tree) > DEPTH_MAX)
    throw new Error(
      `exact attributions in the kernel need trees of depth ${DEPTH_MAX} or less, got ${treeDepth(tree)}; train with max_depth 6`,
    )
  return isLeaf(tree, 0) ? [] : cut(0, [])
}
