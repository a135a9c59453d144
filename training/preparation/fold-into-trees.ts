/**
 * A tree over encoded columns as the tree over features that it amounts to.
 *
 * An encoded column is a function of one feature, so that "column <= threshold" holds on a set of intervals of that feature: the split becomes a search
 * among their ends, and below it what the path has already told of the feature is not asked again. Every float32 row reaches the leaf it
 * reached over the columns. So kernels, ONNX, exact attributions and replay know nothing of preparation, and attributions belong to features.
 */
import { roundDownToFloat32 } from '#registry/onnx/float32.ts'
import type { EncodedColumn } from '#registry/manifest.ts'
import { leafOf } from '../tree-margin.ts'
import { emptyTree, isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** What a member's column is made of: a feature as it is, or an encoded one. */
export interface MemberColumn {
  /** Index into the feature vector. */
  readonly source: number
  readonly encoded: EncodedColumn | null
}

/** What a path has told of a feature: low < x <= high may hold, or it may be missing. */
interface Known {
  readonly low: number
  readonly high: number
  readonly missing: boolean
}

/** Values up to `upTo`, inclusive, that go left or do not. */
interface Cell {
  readonly upTo: number
  readonly left: boolean
}

/** Largest finite float32: every known value lies at or below it, NaN does not. */
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127
const ANYTHING: Known = { low: -Infinity, high: Infinity, missing: true }

/** Cells of "column <= threshold" over all known values, neighbours different. */
const cellsOf = (encoded: EncodedColumn | null, threshold: number): Cell[] => {
  const atMost = roundDownToFloat32(threshold)
  const { edges, pieces } = encoded ?? { edges: [], pieces: [null] }
  const cells: Cell[] = []
  const add = (upTo: number, left: boolean): void => {
    if (cells.at(-1)?.left === left) cells.pop()
    cells.push({ upTo, left })
  }
  for (const [piece, value] of pieces.entries()) {
    const [from, to] = [edges[piece - 1] ?? -Infinity, edges[piece] ?? Infinity]
    if (value !== null) add(to, value <= threshold)
    else {
      if (atMost > from) add(Math.min(atMost, to), true)
      if (atMost < to) add(to, false)
    }
  }
  return cells
}

/** The cells that a path still leaves open, ending where it does. */
const within = (cells: readonly Cell[], { low, high }: Known): Cell[] => {
  const first = cells.findIndex(({ upTo }) => upTo > low)
  const last = cells.findIndex(({ upTo }) => upTo >= high)
  return low < high ? cells.slice(first, last).concat({ ...cells[last]!, upTo: high }) : []
}

/** Nodes of the folded tree, appended as they are found. */
interface Node {
  feature: number
  threshold: number
  left: number
  right: number
  missingLeft: boolean
  leafValue: number
  cover: number
}

class Folding {
  readonly nodes: Node[] = []
  readonly #tree: Tree
  readonly #columns: readonly MemberColumn[]
  readonly #known = new Map<number, Known>()

  constructor(tree: Tree, columns: readonly MemberColumn[]) {
    this.#tree = tree
    this.#columns = columns
  }

  /** Folds the subtree at `node`; returns its place. */
  fold(node: number): number {
    const tree = this.#tree
    if (isLeaf(tree, node)) return this.#add({ leafValue: tree.leafValue[node]!, cover: tree.cover[node]! })
    const { source, encoded } = this.#columns[tree.feature[node]!]!
    const known = this.#known.get(source) ?? ANYTHING
    const threshold = tree.threshold[node]!
    const missing = encoded === null ? null : encoded.missing
    const missingLeft = missing === null ? tree.missingLeft[node] === 1 : missing <= threshold
    return this.#search({ node, source, missingLeft }, known, within(cellsOf(encoded, threshold), known))
  }

  #add(node: Partial<Node>): number {
    return this.nodes.push({ feature: -1, threshold: 0, left: 0, right: 0, missingLeft: false, leafValue: 0, cover: 0, ...node }) - 1
  }

  #below(source: number, known: Known, node: number): number {
    const before = this.#known.get(source)
    this.#known.set(source, known)
    const at = this.fold(node)
    if (before === undefined) this.#known.delete(source)
    else this.#known.set(source, before)
    return at
  }

  /** Finds the cell by halves, a missing value going where a cell of its side lies. */
  #search(
    split: { readonly node: number; readonly source: number; readonly missingLeft: boolean },
    known: Known,
    cells: readonly Cell[],
  ): number {
    const { node, source, missingLeft } = split
    const down = (left: boolean, part: Known): number => this.#below(source, part, (left ? this.#tree.left : this.#tree.right)[node]!)
    const [first] = cells
    if (first === undefined) return down(missingLeft, known)
    if (cells.length === 1 && (!known.missing || first.left === missingLeft)) return down(first.left, known)
    const apart = known.missing && !cells.some(({ left }) => left === missingLeft)
    const middle = cells.length >> 1
    const threshold = apart ? FLOAT32_MAX : cells[middle - 1]!.upTo
    const goesLeft = !apart && cells.slice(0, middle).some(({ left }) => left === missingLeft)
    const at = this.#add({ feature: source, threshold, missingLeft: goesLeft })
    const [lower, upper] = apart
      ? [
          { ...known, missing: false },
          { low: known.high, high: known.high, missing: true },
        ]
      : [
          { low: known.low, high: threshold, missing: known.missing && goesLeft },
          { low: threshold, high: known.high, missing: known.missing && !goesLeft },
        ]
    this.nodes[at]!.left = this.#search(split, lower, apart ? cells : cells.slice(0, middle))
    this.nodes[at]!.right = this.#search(split, upper, apart ? [] : cells.slice(middle))
    return at
  }
}

const treeOf = (nodes: readonly Node[]): Tree => {
  const tree = emptyTree(nodes.length)
  for (const [i, node] of nodes.entries()) {
    tree.feature[i] = node.feature
    tree.threshold[i] = node.threshold
    tree.left[i] = node.left
    tree.right[i] = node.right
    tree.missingLeft[i] = Number(node.missingLeft)
    tree.leafValue[i] = node.leafValue
    tree.cover[i] = node.cover
  }
  return tree
}

/** @param features length of the vector. Covers of copied leaves are copies: {@link recover} counts them anew. */
export const foldIntoTrees = ({ base, trees }: TreeEnsemble, columns: readonly MemberColumn[], features: number): TreeEnsemble => ({
  features,
  base,
  trees: trees.map((tree) => {
    const folding = new Folding(tree, columns)
    folding.fold(0)
    return treeOf(folding.nodes)
  }),
})

/**
 * A leaf that no row reaches weighs this much of one: its share of nothing would be undefined. A power of two, so that sums stay exact.
 */
const COVER_MIN = 2 ** -10

/** The ensemble with covers counted from rows × d training rows, as attributions by covers need them. */
export const recover = (ensemble: TreeEnsemble, values: Float32Array): TreeEnsemble => ({
  ...ensemble,
  trees: ensemble.trees.map((tree) => {
    const cover = new Float64Array(tree.feature.length)
    for (let at = 0; at < values.length; at += ensemble.features) {
      const leaf = leafOf(tree, values, at)
      cover[leaf] = cover[leaf]! + 1
    }
    // Children stand behind their parents.
    for (let node = cover.length - 1; node >= 0; node--)
      cover[node] = isLeaf(tree, node) ? Math.max(cover[node]!, COVER_MIN) : cover[tree.left[node]!]! + cover[tree.right[node]!]!
    return { ...tree, cover }
  }),
})
