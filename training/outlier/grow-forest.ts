/** Grows an isolation forest: random cuts of random samples, the same for the same seed. */
import { emptyTree, type Tree } from '#registry/onnx/tree-ensemble.ts'
import { pathLengths } from '#scoring/outlier/isolation-forest.ts'
import { type Random, shuffle } from '../random.ts'

export interface ForestPlan {
  readonly trees: number
  readonly rowsATree: number
}

/** As the paper has it: scores settle well before a hundred trees, and larger samples hide outliers among each other. */
export const FOREST_PLAN: ForestPlan = { trees: 100, rowsATree: 256 }

/** Features that differ within the rows, with the ends of their range. */
const spreadOf = (values: Float32Array, columns: number, rows: Int32Array): { feature: number; least: number; greatest: number }[] =>
  Array.from({ length: columns }, (_, feature) => {
    let [least, greatest] = [Infinity, -Infinity]
    for (const row of rows) {
      const value = values[row * columns + feature]!
      if (value < least) least = value
      if (value > greatest) greatest = value
    }
    return { feature, least, greatest }
  }).filter(({ least, greatest }) => least < greatest)

const growTree = (values: Float32Array, columns: number, sample: Int32Array, fill: readonly number[], random: Random): Tree => {
  const tree = emptyTree(2 * sample.length)
  const heightMax = Math.ceil(Math.log2(sample.length))
  let used = 0
  const grow = (rows: Int32Array, depth: number): number => {
    const node = used++
    tree.cover[node] = rows.length
    const open = depth === heightMax || rows.length < 2 ? [] : spreadOf(values, columns, rows)
    if (open.length === 0) return node
    const { feature, least, greatest } = open[Math.floor(random() * open.length)]!
    const drawn = Math.fround(least + random() * (greatest - least))
    // Rounding may reach the greatest value, which must lie on the other side.
    const threshold = drawn < greatest ? drawn : least
    const left = rows.filter((row) => values[row * columns + feature]! <= threshold)
    const right = rows.filter((row) => values[row * columns + feature]! > threshold)
    tree.feature[node] = feature
    tree.threshold[node] = threshold
    tree.missingLeft[node] = Number(fill[feature]! <= threshold)
    tree.left[node] = grow(left, depth + 1)
    tree.right[node] = grow(right, depth + 1)
    return node
  }
  grow(sample, 0)
  return { ...takeNodes(tree, used) }
}

const takeNodes = (tree: Tree, nodes: number): Tree => ({
  feature: tree.feature.slice(0, nodes),
  threshold: tree.threshold.slice(0, nodes),
  left: tree.left.slice(0, nodes),
  right: tree.right.slice(0, nodes),
  missingLeft: tree.missingLeft.slice(0, nodes),
  leafValue: tree.leafValue.slice(0, nodes),
  cover: tree.cover.slice(0, nodes),
})

/**
 * @param values rows × d without missing values. @param fill what stood in for them: a row that lacks a feature goes where the fill would.
 * Leaf values are path lengths over the number of trees, so that the graph's margin is the mean path length.
 */
export const growForest = (values: Float32Array, columns: number, fill: readonly number[], plan: ForestPlan, random: Random): Tree[] => {
  const rows = values.length / columns
  const order = Int32Array.from({ length: rows }, (_, row) => row)
  return Array.from({ length: plan.trees }, () => {
    const tree = growTree(values, columns, shuffle(order, random).slice(0, Math.min(plan.rowsATree, rows)), fill, random)
    return { ...tree, leafValue: pathLengths(tree).map((length) => Math.fround(length / plan.trees)) }
  })
}
