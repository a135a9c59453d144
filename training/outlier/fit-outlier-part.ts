/** The outlier part of a bundle, fitted on the training applications. */
import type { OutlierPart } from '#registry/manifest.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'
import { outlierModel } from '#scoring/outlier/outlier-model.ts'
import { backgroundBytes } from '../background.ts'
import { type Dataset, takeRows } from '../dataset.ts'
import { quantile } from '../metrics/bootstrap.ts'
import { seededRandom, shuffle } from '../random.ts'
import { FOREST_PLAN, growForest } from './grow-forest.ts'

export interface FittedOutlierPart {
  readonly part: OutlierPart
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** Rows a vector is compared with one by one: the bound on what a score costs. */
const REFERENCE_ROWS = 512
const NEIGHBOURS = 20
/** Applications whose scores say what is unusual. */
const JUDGED_ROWS = 4_000
const UNUSUAL_SHARE = 0.01
const FOREST_FILE = 'outlier-forest.onnx'
const REFERENCE_FILE = 'outlier-reference.f32'

interface Shape {
  readonly median: number
  readonly spread: number
}

const shapeOf = ({ values, rows, columns }: Dataset, feature: number): Shape => {
  const known = Float32Array.from({ length: rows }, (_, row) => values[row * columns + feature]!)
    .filter((value) => !Number.isNaN(value))
    .sort()
  if (known.length === 0) return { median: 0, spread: 0 }
  const range = quantile(known, 0.75) - quantile(known, 0.25)
  // Where half of the rows share one value, the range says nothing and the whole one has to do.
  return { median: Math.fround(quantile(known, 0.5)), spread: range > 0 ? range : known.at(-1)! - known[0]! }
}

export const fitOutlierPart = (training: Dataset, seed: number): FittedOutlierPart => {
  const { rows, columns } = training
  const random = seededRandom(seed)
  const shapes = Array.from({ length: columns }, (_, feature) => shapeOf(training, feature))
  const fill = shapes.map(({ median }) => median)
  const filled = training.values.map((value, index) => (Number.isNaN(value) ? fill[index % columns]! : value))
  const trees = growForest(filled, columns, fill, FOREST_PLAN, random)
  const drawn = (count: number): Dataset =>
    takeRows(
      training,
      shuffle(
        Int32Array.from({ length: rows }, (_, row) => row),
        random,
      ).subarray(0, count),
    )
  const reference = drawn(REFERENCE_ROWS)
  const scale = { neighbours: NEIGHBOURS, centre: fill, spread: shapes.map(({ spread }) => spread) }
  const rowsATree = Math.min(FOREST_PLAN.rowsATree, rows)
  const model = outlierModel({ fill, rowsATree, scale }, trees, reference.values)
  const judged = drawn(JUDGED_ROWS)
  const scores = Array.from({ length: judged.rows }, (_, row) => model(judged.values, row * columns))
  const unusual = (of: 'forest' | 'neighbours'): number =>
    quantile(Float64Array.from(scores, (score) => score[of]).sort(), 1 - UNUSUAL_SHARE)
  const doc = 'isolation forest: features in vector order, mean path length; covers are rows of each tree’s sample'
  return {
    part: {
      fill,
      forest: { file: FOREST_FILE, rowsATree },
      reference: { file: REFERENCE_FILE, rows: reference.rows, ...scale },
      unusual: { forest: unusual('forest'), neighbours: unusual('neighbours') },
    },
    files: new Map([
      [FOREST_FILE, writeTreeEnsembleOnnx({ features: columns, base: 0, trees }, { name: 'outlier-forest', doc })],
      [REFERENCE_FILE, backgroundBytes(reference)],
    ]),
  }
}
