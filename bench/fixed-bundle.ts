/**
 * The fixed model of the engine's benchmarks: 300 trees of depth 6 in place of the shipped bundle's trees, everything else (scorecard
 * fallback, background of 1,000 rows, calibration, reasons) as shipped. Seeded: the same shipped bundle gives the same bytes.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GoldenRow } from '#registry/manifest.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'
import { promote } from '#registry/promote.ts'
import { publish } from '#registry/publish.ts'
import { resolve } from '#registry/resolve.ts'
import { exported, scoreRow } from '#training/ensemble.ts'
import { type Random, seededRandom } from '#training/random.ts'

export const FIXED_TREES = 300
export const FIXED_DEPTH = 6
const SEED = 20_051
/** Thresholds of one feature: explanation bins are bytes. */
const THRESHOLDS_MAX = 200
/** Tries for a split that leaves rows on both sides. */
const TRIES = 40
/** Log-odds a tree moves a row by, at most: 300 of them stay within the bundle's stated tolerance of float32 sums. */
const SHRINKAGE = 0.01

interface Rows {
  readonly values: Float32Array
  readonly columns: number
  /** What a leaf's value follows: the shipped model's margin of each row, so that decisions vary with risk. */
  readonly margins: Float64Array
}

const thresholdsOf = ({ values, columns }: Rows, feature: number): number[] => {
  const known = Array.from({ length: values.length / columns }, (_, row) => values[row * columns + feature]!).filter(
    (x) => !Number.isNaN(x),
  )
  const distinct = [...new Set(known)].toSorted((a, b) => a - b).slice(0, -1)
  const step = Math.max(1, Math.ceil(distinct.length / THRESHOLDS_MAX))
  return distinct.filter((_, index) => index % step === 0)
}

interface Split {
  readonly feature: number
  readonly threshold: number
  readonly missingLeft: number
  readonly left: number[]
  readonly right: number[]
}

const splitOf = (rows: Rows, thresholds: readonly number[][], members: readonly number[], random: Random): Split | undefined => {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const feature = Math.floor(random() * rows.columns)
    const choices = thresholds[feature]!
    const threshold = choices[Math.floor(random() * choices.length)]
    if (threshold === undefined) continue
    const missingLeft = random() < 0.5 ? 1 : 0
    const [left, right]: [number[], number[]] = [[], []]
    for (const row of members) {
      const x = rows.values[row * rows.columns + feature]!
      const goesLeft = Number.isNaN(x) ? missingLeft === 1 : x <= threshold
      if (goesLeft) left.push(row)
      else right.push(row)
    }
    if (left.length > 0 && right.length > 0) return { feature, threshold, missingLeft, left, right }
  }
  return undefined
}

const grow = (rows: Rows, thresholds: readonly number[][], random: Random): Tree => {
  const tree = emptyTree(2 ** (FIXED_DEPTH + 1) - 1)
  let used = 0
  const place = (members: readonly number[], depth: number): number => {
    const node = used++
    tree.cover[node] = members.length
    const split = depth === FIXED_DEPTH ? undefined : splitOf(rows, thresholds, members, random)
    if (split === undefined) {
      tree.leafValue[node] = (SHRINKAGE * members.reduce((sum, row) => sum + rows.margins[row]!, 0)) / members.length
      return node
    }
    tree.feature[node] = split.feature
    tree.threshold[node] = split.threshold
    tree.missingLeft[node] = split.missingLeft
    tree.left[node] = place(split.left, depth + 1)
    tree.right[node] = place(split.right, depth + 1)
    return node
  }
  place(Array.from(rows.margins.keys()), 0)
  const cut = <Values extends Int32Array | Float64Array | Uint8Array>(values: Values): Values => values.slice(0, used) as Values
  return {
    feature: cut(tree.feature),
    threshold: cut(tree.threshold),
    left: cut(tree.left),
    right: cut(tree.right),
    missingLeft: cut(tree.missingLeft),
    leafValue: cut(tree.leafValue),
    cover: cut(tree.cover),
  }
}

const treesOver = (rows: Rows): TreeEnsemble => {
  const thresholds = Array.from({ length: rows.columns }, (_, feature) => thresholdsOf(rows, feature))
  const random = seededRandom(SEED)
  return { features: rows.columns, base: 0, trees: Array.from({ length: FIXED_TREES }, () => grow(rows, thresholds, random)) }
}

const vectorOf = (row: GoldenRow): Float32Array => Float32Array.from(row.vector, (value) => value ?? Number.NaN)

/** Publishes the fixed bundle to `into` as champion and fallback of `credit`. @returns its version */
export const publishFixedBundle = (shippedModels: string, into: string): string => {
  const { directory, manifest } = resolve(shippedModels, 'credit@champion')
  const file = (name: string): Buffer => readFileSync(join(directory, name))
  const columns = manifest.features.length
  const background = file(manifest.background.file)
  const values = new Float32Array(new Uint8Array(background).buffer)
  const shipped = exported({
    members: manifest.members.map(({ name, kind, file: path }) => ({ name, kind, ensemble: readTreeEnsembleOnnx(file(path)) })),
    stack: { weights: manifest.members.map(({ weight }) => weight), intercept: manifest.combiner.intercept },
    calibration: manifest.calibration,
  })
  const margins = Float64Array.from({ length: values.length / columns }, (_, row) => scoreRow(shipped, values, row * columns).margin)
  const mean = margins.reduce((sum, margin) => sum + margin, 0) / margins.length
  const trees = treesOver({ values, columns, margins: margins.map((margin) => margin - mean) })
  const treesMember = manifest.members.find(({ kind }) => kind === 'trees')!
  const fixed = exported({
    ...shipped,
    members: shipped.members.map((member) => (member.name === treesMember.name ? { ...member, ensemble: trees } : member)),
  })
  const golden = (JSON.parse(file(manifest.golden.file).toString()) as GoldenRow[]).map((row) => ({
    vector: row.vector,
    ...scoreRow(fixed, vectorOf(row), 0),
  }))
  const { version: _, files: __, format: ___, ...facts } = manifest
  const files = new Map<string, Uint8Array>(Object.keys(manifest.files).map((name) => [name, file(name)]))
  files.set(treesMember.file, writeTreeEnsembleOnnx(trees, { name: treesMember.name, doc: 'fixed model of the benchmarks, not for use' }))
  files.set(manifest.golden.file, Buffer.from(JSON.stringify(golden)))
  const { version } = publish(into, { manifest: facts, files })
  const made = { actor: 'bench', reason: 'the fixed model of the measurement', at: 0, requestId: null }
  promote(into, manifest.name, version, 'champion', made)
  promote(into, manifest.name, version, 'fallback', made)
  return version
}
