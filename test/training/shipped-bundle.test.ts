import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { contentVersion } from '#registry/file-hash.ts'
import type { GoldenRow } from '#registry/manifest.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { treeDepth } from '#registry/onnx/tree-ensemble.ts'
import { resolve } from '#registry/resolve.ts'
import { seededRandom } from '#training/random.ts'
import { treeMargin } from '#training/tree-margin.ts'

const { manifest, directory } = resolve(join(import.meta.dirname, '../../models'), 'credit@champion')
const bytesOf = (file: string): Uint8Array => readFileSync(join(directory, file))
const golden = JSON.parse(Buffer.from(bytesOf(manifest.golden.file)).toString()) as GoldenRow[]
const columns = manifest.features.length
const vectors = golden.map(({ vector }) => Float32Array.from(vector, (value) => value ?? Number.NaN))
const ensembles = manifest.members.map(({ file }) => readTreeEnsembleOnnx(bytesOf(file)))
const marginOf = (row: Float32Array): number =>
  manifest.members.reduce((sum, { weight }, index) => sum + weight * treeMargin(ensembles[index]!, row, 0), manifest.combiner.intercept)

describe('the shipped model', () => {
  test('belongs to the feature set this release computes, in its order', () => {
    expect(manifest.featureSetHash).toBe(creditFeatureSet.hash)
    expect(manifest.features).toEqual(creditFeatureSet.features.map(({ name }) => name))
  })
  test('has the version its content determines', () => {
    const text = readFileSync(join(directory, 'manifest.json'), 'utf8')
    expect(contentVersion(text.replace(`"version": "${manifest.version}"`, '"version": ""'))).toBe(manifest.version)
  })
  test('holds at least 200 golden rows, with missing and extreme values', () => {
    expect(golden.length).toBeGreaterThanOrEqual(200)
    expect(golden).toHaveLength(manifest.golden.rows)
    expect(golden.some(({ vector }) => vector.every((value) => value === null))).toBe(true)
    expect(golden.some(({ vector }) => vector.every((value) => value !== null && value > 1e29))).toBe(true)
  })
  test('gives its golden margins in ONNX Runtime, within the stated tolerance', async () => {
    const batch = Float32Array.from(vectors.flatMap((vector) => [...vector]))
    for (const { name, file } of manifest.members) {
      const session = await InferenceSession.create(bytesOf(file), { intraOpNumThreads: 1 })
      const { margin } = await session.run({ features: new Tensor('float32', batch, [golden.length, columns]) })
      golden.forEach((row, index) =>
        expect(Math.abs(Number(margin!.data[index]) - row.memberMargins[name]!)).toBeLessThanOrEqual(manifest.golden.toleranceMargin),
      )
    }
  })
  test('gives its golden margins bit for bit by the plain evaluator', () => {
    golden.forEach((row, index) => expect(marginOf(vectors[index]!)).toBe(row.margin))
  })
  test('keeps every demanded direction, from any golden row', () => {
    const random = seededRandom(1)
    for (const [name, direction] of Object.entries(manifest.monotone)) {
      const feature = manifest.features.indexOf(name)
      const edges = manifest.reference[feature]!.edges
      const probes = [-1e9, ...edges, ...edges.map((edge) => edge + 1e-3), 1e9].toSorted((a, b) => a - b)
      for (let trial = 0; trial < 10; trial++) {
        const row = vectors[Math.floor(random() * vectors.length)]!
        const margins = probes.map((value) => direction * marginOf(row.with(feature, value)))
        margins.forEach((margin, index) => expect(margin).toBeGreaterThanOrEqual((margins[index - 1] ?? -Infinity) - 1e-9))
      }
    }
  })
  test('fits the explanation kernels: depth at most 6, at most 255 thresholds a feature', () => {
    const thresholds = new Map<number, Set<number>>()
    for (const tree of ensembles.flatMap(({ trees }) => trees)) {
      expect(treeDepth(tree)).toBeLessThanOrEqual(6)
      tree.feature.forEach((feature, node) => {
        if (feature >= 0) thresholds.set(feature, (thresholds.get(feature) ?? new Set()).add(tree.threshold[node]!))
      })
    }
    expect(Math.max(...thresholds.values().map((values) => values.size))).toBeLessThanOrEqual(255)
  })
  test('is calibrated and discriminates on the untouched fifth, intervals included', () => {
    const { auc, calibrationSlope, calibrationIntercept } = manifest.metrics
    expect(auc!.low).toBeGreaterThan(0.76)
    expect(calibrationSlope!.value).toBeGreaterThan(0.9)
    expect(calibrationSlope!.value).toBeLessThan(1.1)
    expect(calibrationIntercept!.low).toBeLessThan(0)
    expect(calibrationIntercept!.high).toBeGreaterThan(0)
  })
  test('has a background of approvals and every feature in exactly one reason group', () => {
    expect(bytesOf(manifest.background.file)).toHaveLength(manifest.background.rows * columns * 4)
    expect(manifest.background.rows).toBe(1000)
    expect(manifest.reasonGroups.flatMap(({ features }) => features).toSorted()).toEqual(manifest.features.toSorted())
  })
})
