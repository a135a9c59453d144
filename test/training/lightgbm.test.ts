import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LightGbmMissing, libraryFolders, locateLightGbm } from '#training/lightgbm/library.ts'
import { Booster, LightGbmFailure, openLightGbm, parameterText, TrainingSet } from '#training/lightgbm/lightgbm.ts'
import { readLightGbmText } from '#training/lightgbm/model-text.ts'
import { seededRandom } from '#training/random.ts'
import { asExported, treeMargin } from '#training/tree-margin.ts'
import { lightGbmPath } from './native-library.ts'

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../fixtures/training', name), 'utf8')

describe('a model in LightGBM’s text', () => {
  const text = fixture('lightgbm-model.txt')
  const rows = JSON.parse(fixture('lightgbm-rows.json')) as { columns: number; vectors: (number | null)[][]; margins: number[] }
  const vectors = rows.vectors.map((row) => Float32Array.from(row, (value) => value ?? Number.NaN))

  test('gives Python’s margins on every row, missing and absurd values included', () => {
    const ensemble = readLightGbmText(text)
    vectors.forEach((vector, row) => expect(treeMargin(ensemble, vector, 0)).toBeCloseTo(rows.margins[row]!, 12))
  })
  test('keeps every decision when thresholds are rounded down to float32', () => {
    const ensemble = readLightGbmText(text)
    const narrowed = asExported(ensemble)
    const sameLeaves = {
      ...narrowed,
      trees: narrowed.trees.map((tree, index) => ({ ...tree, leafValue: ensemble.trees[index]!.leafValue })),
    }
    vectors.forEach((vector) => expect(treeMargin(sameLeaves, vector, 0)).toBe(treeMargin(ensemble, vector, 0)))
  })
  test('with a categorical split or zero as missing is refused, naming the remedy', () => {
    const withDecision = (type: string): string => text.replace(/decision_type=\d+/, `decision_type=${type}`)
    expect(() => readLightGbmText(withDecision('1'))).toThrow('encode it as numbers')
    expect(() => readLightGbmText(withDecision('4'))).toThrow('zero_as_missing=false')
  })
})

describe('looking for the library', () => {
  const root = mkdtempSync(join(tmpdir(), 'scorestream-lib-'))
  beforeAll(() => mkdirSync(join(root, 'deps/lightgbm'), { recursive: true }))
  afterAll(() => rmSync(root, { recursive: true }))

  test('finds the project’s own copy first', () => {
    writeFileSync(join(root, 'deps/lightgbm/lib_lightgbm.so'), '')
    expect(locateLightGbm({ projectRoot: root })).toBe(join(root, 'deps/lightgbm/lib_lightgbm.so'))
    expect(libraryFolders({ projectRoot: root })[0]).toBe(join(root, 'deps/lightgbm'))
  })
  test('an explicit path that does not exist is an error, not a search', () => {
    expect(() => locateLightGbm({ projectRoot: root, explicit: '/nowhere/lib.so' })).toThrow('SCORESTREAM_LIGHTGBM_LIB=/nowhere/lib.so')
  })
  test('a file that does not load says how to get one that does', () => {
    expect(() => openLightGbm(join(root, 'deps/lightgbm/lib_lightgbm.so'))).toThrow(LightGbmMissing)
    expect(() => openLightGbm(join(root, 'deps/lightgbm/lib_lightgbm.so'))).toThrow('libgomp1')
  })
})

test('parameters become key=value text', () => {
  expect(parameterText({ seed: 1, deterministic: true, monotone_constraints: [1, 0, -1] })).toBe(
    'seed=1 deterministic=true monotone_constraints=1,0,-1',
  )
})

describe.skipIf(lightGbmPath === null)('the native library', () => {
  const api = () => openLightGbm(lightGbmPath!)
  const columns = 5
  const rows = 1500
  const random = seededRandom(11)
  const values = Float32Array.from({ length: rows * columns }, () => (random() < 0.1 ? Number.NaN : random() * 4 - 2))
  const labels = Uint8Array.from({ length: rows }, (_, row) => Number(random() < 1 / (1 + Math.exp(-(values[row * columns] || 0)))))
  const matrix = { values, rows, columns }
  const parameters = {
    objective: 'binary',
    metric: 'binary_logloss',
    num_leaves: 8,
    deterministic: true,
    force_row_wise: true,
    verbosity: -1,
    seed: 1,
  }

  const fit = (threads: number): { text: string; margins: Float64Array } => {
    const library = api()
    const set = new TrainingSet(library, matrix, labels, { ...parameters, num_threads: threads })
    const booster = new Booster(library, set, { ...parameters, num_threads: threads })
    for (let iteration = 0; iteration < 20; iteration++) booster.update()
    const result = { text: booster.text(), margins: booster.margins(matrix) }
    booster.free()
    set.free()
    return result
  }

  test('predicts what its own text says, missing values included', () => {
    const { text, margins } = fit(1)
    const ensemble = readLightGbmText(text)
    for (let row = 0; row < rows; row++) expect(treeMargin(ensemble, values, row * columns)).toBeCloseTo(margins[row]!, 12)
  })
  test('grows the same trees with one thread and with two', () => {
    const trees = (text: string): string => text.slice(0, text.indexOf('end of trees'))
    expect(trees(fit(2).text)).toBe(trees(fit(1).text))
  })
  test('refuses nonsense with its own reason', () => {
    const library = api()
    expect(() => new TrainingSet(library, { values, rows, columns: columns + 1 }, labels, parameters)).toThrow(RangeError)
    const set = new TrainingSet(library, matrix, labels, parameters)
    expect(() => new Booster(library, set, { ...parameters, objective: 'no-such-objective' })).toThrow(LightGbmFailure)
    set.free()
  })
})
