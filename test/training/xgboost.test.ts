import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nextFloat32, previousFloat32 } from '#registry/onnx/float32.ts'
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'
import type { Dataset } from '#training/dataset.ts'
import { asExported, treeMargin } from '#training/tree-margin.ts'
import { DeviceMissing, type DeviceWish, xgboostLearner } from '#training/xgboost/learner.ts'
import { locateXgboost, XgboostMissing } from '#training/xgboost/library.ts'
import { readXgboostJson } from '#training/xgboost/model-json.ts'
import { Booster, DataMatrix, openXgboost, XgboostFailure } from '#training/xgboost/xgboost.ts'
import { xgboostPath } from './native-library.ts'

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures/training', name), 'utf8')
const rows = JSON.parse(fixture('xgboost-rows.json')) as {
  columns: number
  rounds: number
  parameters: Record<string, string | number>
  vectors: (number | null)[][]
  labels: number[]
  margins: number[]
  leaves: number[][]
}
const values = Float32Array.from(rows.vectors.flat(), (value) => value ?? Number.NaN)
const count = rows.vectors.length
const python = fixture('xgboost-model.json')
const treesOf = (json: string): unknown =>
  (JSON.parse(json) as { learner: { gradient_booster: { model: { trees: unknown } } } }).learner.gradient_booster.model.trees

/** Node the row ends in; nodes keep XGBoost's numbers. */
const leafOf = (tree: Tree, at: number): number => {
  let node = 0
  while (!isLeaf(tree, node)) {
    const value = values[at + tree.feature[node]!]!
    const left = Number.isNaN(value) ? tree.missingLeft[node] === 1 : value <= tree.threshold[node]!
    node = left ? tree.left[node]! : tree.right[node]!
  }
  return node
}

describe('a model in XGBoost’s JSON', () => {
  const ensemble = readXgboostJson(python)
  const onTheWay = (given: TreeEnsemble): number[][] =>
    Array.from({ length: count }, (_, row) => given.trees.map((tree) => leafOf(tree, row * rows.columns)))

  test('sends every row to Python’s leaf in every tree, rows on a threshold and missing values included', () => {
    expect(onTheWay(ensemble)).toEqual(rows.leaves)
    const thresholds = new Set(ensemble.trees.flatMap((tree) => [...tree.threshold].map((value) => Math.fround(nextFloat32(value)))))
    expect([...values].filter((value) => thresholds.has(value)).length).toBeGreaterThan(100)
  })
  test('gives Python’s margins to within its float32 sums', () => {
    for (let row = 0; row < count; row++) expect(treeMargin(ensemble, values, row * rows.columns)).toBeCloseTo(rows.margins[row]!, 5)
  })
  test('keeps every leaf through ONNX', () => {
    const read = readTreeEnsembleOnnx(writeTreeEnsembleOnnx(asExported(ensemble), { name: 'trees', doc: 'a test' }))
    expect(onTheWay(read)).toEqual(rows.leaves)
  })
  test('parts x < t as x <= the float32 before t', () => {
    const [tree] = ensemble.trees
    const json = (treesOf(python) as { split_conditions: number[] }[])[0]!.split_conditions[0]!
    expect(tree!.threshold[0]).toBe(previousFloat32(Math.fround(json)))
  })
  test('of another objective, with categories or a broken base is refused, naming the remedy', () => {
    expect(() => readXgboostJson(python.replaceAll('binary:logistic', 'reg:squarederror'))).toThrow('train with binary:logistic')
    expect(() => readXgboostJson(python.replace(/"split_type":\[0/, '"split_type":[1'))).toThrow('encode it as numbers')
    expect(() => readXgboostJson(python.replace(/"base_score":"[^"]*"/, '"base_score":"[7E0]"'))).toThrow('save the model again')
  })
})

test('a machine without the library is told how to get it', () => {
  expect(() => locateXgboost({ explicit: '/nowhere/libxgboost.so', projectRoot: '/nowhere' })).toThrow(XgboostMissing)
  expect(() => locateXgboost({ explicit: '/nowhere/libxgboost.so', projectRoot: '/nowhere' })).toThrow('npm run setup:xgboost')
})

describe.skipIf(xgboostPath === null)('the native library', () => {
  const api = () => openXgboost(xgboostPath!)
  const matrix = { values, rows: count, columns: rows.columns }

  test('told the same, grows the very trees that Python grew', () => {
    const library = api()
    const data = new DataMatrix(library, matrix, rows.labels)
    const booster = new Booster(library, rows.parameters, [data])
    for (let round = 0; round < rows.rounds; round++) booster.update(round, data)
    expect(treesOf(booster.json())).toEqual(treesOf(python))
    expect([...booster.margins(data)]).toEqual(rows.margins)
    booster.free()
    data.free()
  })
  test('as a learner, stops early by each set’s own rows and names its device', () => {
    const learner = xgboostLearner(api())
    const task = { learner, seed: 3, directions: new Map([[0, 1 as const]]), threads: 1 }
    const data: Dataset = { ...matrix, labels: Uint8Array.from(rows.labels), applicantIds: [] }
    const settings = { depth: 4, leaves: 10, rowsPerLeafMin: 10, ridge: 2, learningRate: 0.3, featureShare: 1, rowShare: 1 }
    const [curve] = learner.validationCurves(task, settings, data, [data], { iterationsMax: 30, patience: 5 })
    expect(curve!.at(-1)).toBeLessThan(curve![0]!)
    const { ensemble, margins } = learner.fit(task, settings, data, 8, [data])
    expect(ensemble.trees).toHaveLength(8)
    margins[0]!.forEach((margin, row) => expect(treeMargin(ensemble, values, row * rows.columns)).toBeCloseTo(margin, 5))
    expect(learner.description).toMatch(/^XGBoost \d+\.\d+\.\d+, library sha256:[0-9a-f]{12}, on (cpu|cuda:\d+)$/)
  })
  test('keeps to the CPU where told to, finds for itself where not, and refuses where CUDA is demanded and not there', () => {
    const library = api()
    const onDevice = (wish: DeviceWish): string => / on (\S+)$/.exec(xgboostLearner(library, wish).description)?.[1] ?? ''
    expect(onDevice('cpu')).toBe('cpu')
    const found = onDevice('auto')
    expect(found).toMatch(/^(cpu|cuda:\d+)$/)
    if (found === 'cpu') expect(() => onDevice('cuda')).toThrow(DeviceMissing)
    else expect(onDevice('cuda')).toBe(found)
  })
  test('refuses nonsense with its own reason', () => {
    const library = api()
    expect(() => new DataMatrix(library, { ...matrix, columns: matrix.columns + 1 })).toThrow(RangeError)
    const data = new DataMatrix(library, matrix, rows.labels)
    const booster = new Booster(library, { objective: 'no-such-objective' }, [data])
    expect(() => booster.update(0, data)).toThrow(XgboostFailure)
    booster.free()
    data.free()
  })
})
