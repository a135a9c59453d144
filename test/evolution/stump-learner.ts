/** Trees of one split, fitted without any library: enough to make a bundle of any feature set, the same on every machine. */
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { TreeLearner } from '#training/boosted-trees.ts'
import type { Dataset } from '#training/dataset.ts'

/** As the leaf values are float32 in the bundle. */
const LEARNING_RATE = 0.5
const TREES = 12

const mean = (labels: Uint8Array, rows: readonly number[]): number =>
  rows.length === 0 ? 0.5 : (rows.reduce((sum, row) => sum + labels[row]!, 0) + 1) / (rows.length + 2)

/** Splits a feature at its median: rows above it, or missing, go right. */
const stump = ({ values, labels, rows, columns }: Dataset, feature: number, base: number): Tree => {
  const of = (row: number): number => values[row * columns + feature]!
  const all = Array.from({ length: rows }, (_, row) => row)
  const known = all.filter((row) => !Number.isNaN(of(row))).toSorted((a, b) => of(a) - of(b))
  const threshold = known.length === 0 ? 0 : of(known[known.length >> 1]!)
  const [left, right] = [all.filter((row) => of(row) <= threshold), all.filter((row) => !(of(row) <= threshold))]
  const tree = emptyTree(3)
  const log = (p: number): number => Math.log(p / (1 - p))
  tree.feature[0] = feature
  tree.threshold[0] = threshold
  tree.left[0] = 1
  tree.right[0] = 2
  tree.cover.set([rows, left.length, right.length])
  for (const [node, side] of [
    [1, left],
    [2, right],
  ] as const)
    tree.leafValue[node] = Math.fround((LEARNING_RATE * (log(mean(labels, side)) - base)) / TREES)
  return tree
}

const ensembleOf = (data: Dataset): TreeEnsemble => {
  const p = data.labels.reduce((sum, label) => sum + label, 0) / data.rows
  const base = Math.fround(Math.log(p / (1 - p)))
  // Evenly over the vector and its last features, which are those that a set adds.
  const features = Array.from({ length: TREES }, (_, n) =>
    n < 4 ? data.columns - 1 - n : Math.floor((n * data.columns) / TREES) % data.columns,
  )
  return { features: data.columns, base, trees: features.map((feature) => stump(data, feature, base)) }
}

const margins = ({ base, trees }: TreeEnsemble, { rows, columns, values }: Dataset): Float64Array =>
  Float64Array.from({ length: rows }, (_, row) =>
    trees.reduce((sum, tree) => sum + tree.leafValue[values[row * columns + tree.feature[0]!]! <= tree.threshold[0]! ? 1 : 2]!, base),
  )

const logLoss = (of: Float64Array, { labels }: Dataset): number =>
  of.reduce((sum, margin, row) => sum + Math.log1p(Math.exp(labels[row] === 1 ? -margin : margin)), 0) / of.length

export const stumpLearner: TreeLearner = {
  kind: 'lightgbm',
  description: 'stumps',
  parameters: () => ({ trees: TREES }),
  validationCurves: (_task, _settings, training, validations) => {
    const fitted = ensembleOf(training)
    return validations.map((validation) => [logLoss(margins(fitted, validation), validation)])
  },
  fit: (_task, _settings, training, _iterations, scored) => {
    const ensemble = ensembleOf(training)
    return { ensemble, margins: scored.map((data) => margins(ensemble, data)) }
  },
}
