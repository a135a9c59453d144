/** Seeded random trees that try what trained ones rarely do: features repeated on a path, lone leaves, ties with inputs, both missing directions. */
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed | 0
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Thresholds and inputs share this coarse grid, so that equality is common. */
const onGrid = (random: () => number): number => Math.round(random() * 12 - 6) / 2

const randomTree = (random: () => number, features: number, depthMax: number, branching: number): Tree => {
  const nodes: {
    feature: number
    threshold: number
    left: number
    right: number
    missingLeft: number
    leafValue: number
    cover: number
  }[] = []
  const grow = (depth: number, cover: number): number => {
    const at = nodes.length
    const leaf = depth === depthMax || cover < 2 || random() > branching
    nodes.push({ feature: -1, threshold: 0, left: 0, right: 0, missingLeft: 0, leafValue: 0, cover })
    if (leaf) {
      nodes[at]!.leafValue = Math.fround(random() * 2 - 1)
      return at
    }
    const split = { feature: Math.floor(random() * features), threshold: onGrid(random), missingLeft: random() < 0.5 ? 1 : 0 }
    const leftCover = 1 + Math.floor(random() * (cover - 1))
    Object.assign(nodes[at]!, split, { left: grow(depth + 1, leftCover) })
    nodes[at]!.right = grow(depth + 1, cover - leftCover)
    return at
  }
  grow(0, 1000)
  const tree = emptyTree(nodes.length)
  for (const [i, node] of nodes.entries()) for (const key of Object.keys(node) as (keyof typeof node)[]) tree[key][i] = node[key]
  return tree
}

export interface EnsembleShape {
  readonly features: number
  readonly trees: number
  readonly depthMax: number
  /** Chance that a node above the deepest level splits. */
  readonly branching?: number
}

export const randomEnsemble = (seed: number, { features, trees, depthMax, branching = 0.85 }: EnsembleShape): TreeEnsemble => {
  const random = randomFrom(seed)
  return {
    features,
    base: Math.fround(random()),
    trees: Array.from({ length: trees }, () => randomTree(random, features, depthMax, branching)),
  }
}

/** rows × features on the same grid; a tenth missing. */
export const randomRows = (seed: number, rows: number, features: number): Float32Array => {
  const random = randomFrom(seed)
  return Float32Array.from({ length: rows * features }, () => (random() < 0.1 ? NaN : onGrid(random)))
}

/** The AND of two features: 80 where both exceed ½, 0 elsewhere; all four corners equally covered. */
export const andTree = (): TreeEnsemble => {
  const tree = emptyTree(7)
  tree.feature.set([0, 1, -1, -1, 1, -1, -1])
  tree.threshold.set([0.5, 0.5, 0, 0, 0.5, 0, 0])
  tree.left.set([1, 2, 0, 0, 5, 0, 0])
  tree.right.set([4, 3, 0, 0, 6, 0, 0])
  tree.leafValue[6] = 80
  tree.cover.set([4, 2, 1, 1, 2, 1, 1])
  return { features: 2, base: 0, trees: [tree] }
}
