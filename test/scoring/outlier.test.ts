import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, describe, expect, test } from 'vitest'
import { emptyTree, type Tree } from '#registry/onnx/tree-ensemble.ts'
import { isolationForest, meanPathLength } from '#scoring/outlier/isolation-forest.ts'
import { loadOutlierModel } from '#scoring/outlier/load-outlier-model.ts'
import { localOutlierFactor } from '#scoring/outlier/local-outlier-factor.ts'
import { fitOutlierPart } from '#training/outlier/fit-outlier-part.ts'
import type { Dataset } from '#training/dataset.ts'
import { auc } from '#training/metrics/auc.ts'
import { seededRandom } from '#training/random.ts'

interface TheirTree {
  readonly feature: readonly number[]
  readonly threshold: readonly number[]
  readonly left: readonly number[]
  readonly right: readonly number[]
  readonly rows: readonly number[]
}
interface Reference {
  readonly columns: number
  readonly neighbours: number
  readonly rowsATree: number
  readonly sample: readonly number[]
  readonly rows: readonly number[]
  readonly trees: readonly TheirTree[]
  readonly forest: readonly number[]
  readonly factor: readonly number[]
}
/** See `test/fixtures/scoring/generate_outlier.py` for libraries, versions and how to regenerate. */
const reference = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/scoring/outlier.json'), 'utf8')) as Reference
const { columns } = reference
const treeOf = ({ feature, threshold, left, right, rows }: TheirTree): Tree => {
  const tree = emptyTree(feature.length)
  tree.feature.set(feature)
  tree.threshold.set(threshold)
  tree.left.set(left)
  tree.right.set(right)
  tree.cover.set(rows)
  return tree
}

describe('outlier scores are scikit-learn’s to 1e-9', () => {
  test('isolation forest, given its trees', () => {
    const score = isolationForest(reference.trees.map(treeOf), reference.rowsATree)
    const rows = Float32Array.from(reference.rows)
    reference.forest.forEach((theirs, row) => expect(Math.abs(score(rows, row * columns) - theirs)).toBeLessThan(1e-9))
  })
  test('local outlier factor of new rows', () => {
    const score = localOutlierFactor(Float64Array.from(reference.sample), columns, reference.neighbours)
    const rows = Float64Array.from(reference.rows)
    reference.factor.forEach((theirs, row) => expect(Math.abs(score(rows, row * columns) / theirs - 1)).toBeLessThan(1e-9))
  })
})

test('the local outlier factor of rows that coincide is finite', () => {
  const score = localOutlierFactor(new Float64Array(20), 2, 3)
  expect(score(Float64Array.of(0, 0), 0)).toBe(1)
  expect(Number.isFinite(score(Float64Array.of(5, 5), 0))).toBe(true)
  expect(() => localOutlierFactor(new Float64Array(6), 2, 3)).toThrow('3 reference rows cannot have 3 neighbours each')
})

/** Correlated amounts; every hundredth applicant is far from all of them; one feature is constant, one has gaps. */
const OUTLIER_EVERY = 100
const simulated = (rows: number, seed: number): Dataset => {
  const random = seededRandom(seed)
  const values = new Float32Array(rows * 4)
  for (let row = 0; row < rows; row++) {
    const size = 1 + random()
    const far = row % OUTLIER_EVERY === 0
    values.set([size, far ? 4 - size : size + 0.1 * random(), 7, random() < 0.2 ? Number.NaN : random() + (far ? 3 : 0)], row * 4)
  }
  return { rows, columns: 4, values, labels: new Uint8Array(rows), applicantIds: Array.from({ length: rows }, (_, row) => `a${row}`) }
}
const training = simulated(3000, 1)
const out = mkdtempSync(join(tmpdir(), 'scorestream-outlier-'))
afterAll(() => rmSync(out, { recursive: true }))

describe('a bundle’s outlier part', () => {
  const { part, files } = fitOutlierPart(training, 5)
  for (const [name, bytes] of files) writeFileSync(join(out, name), bytes)
  const model = loadOutlierModel(out, { outlier: part, features: ['a', 'b', 'c', 'd'] })!
  const fresh = simulated(2000, 2)
  const scores = Array.from({ length: fresh.rows }, (_, row) => model(fresh.values, row * 4))
  const planted = Uint8Array.from(scores, (_, row) => Number(row % OUTLIER_EVERY === 0))

  test('is the same for the same rows and seed', () => {
    const again = fitOutlierPart(training, 5)
    expect(again.part).toEqual(part)
    for (const [name, bytes] of files) expect(Buffer.from(again.files.get(name)!).equals(Buffer.from(bytes)), name).toBe(true)
  })
  test('tells planted outliers from the rest, by either score', () => {
    for (const kind of ['forest', 'neighbours'] as const)
      expect(
        auc(
          scores.map((score) => score[kind]),
          planted,
        ).value,
        kind,
      ).toBeGreaterThan(0.95)
  })
  test('takes a missing value for the median, and gives finite scores where nothing is known or all is absurd', () => {
    const gaps = Float32Array.of(1.5, Number.NaN, 7, 0.2)
    expect(model(gaps, 0)).toEqual(model(gaps.with(1, part.fill[1]!), 0))
    for (const value of [Number.NaN, 1e30, -1e30]) {
      const { forest, neighbours } = model(new Float32Array(4).fill(value), 0)
      expect(forest > 0 && forest <= 1 && neighbours > 0 && Number.isFinite(neighbours)).toBe(true)
    }
  })
  test('holds a forest whose graph ONNX Runtime gives the same mean path lengths', async () => {
    const session = await InferenceSession.create(files.get(part.forest.file)!)
    const vectors = fresh.values.slice(0, 200 * 4)
    const { margin } = await session.run({ features: new Tensor('float32', vectors, [200, 4]) })
    const theirs = margin!.data as Float32Array
    for (let row = 0; row < 200; row++) {
      const length = -Math.log2(scores[row]!.forest) * meanPathLength(part.forest.rowsATree)
      expect(Math.abs(length - theirs[row]!)).toBeLessThan(1e-4)
    }
  })
  test('is refused where its files do not fit the features', () => {
    expect(() => loadOutlierModel(out, { outlier: part, features: ['a', 'b', 'c'] })).toThrow('the manifest has 3 features')
  })
})
