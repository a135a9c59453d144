import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { treeDepth, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { blockShap, type Perspective } from '#scoring/shap/block-shap.ts'
import { blocksOf, conditionsMax } from '#scoring/shap/blocks.ts'
import { coverMean } from '#scoring/shap/cover-mean.ts'
import { plainInterventional } from '#scoring/shap/plain-interventional.ts'
import { plainPathDependent } from '#scoring/shap/plain-path-dependent.ts'
import { kernelMemory } from '#scoring/wasm/kernel-memory.ts'
import { plainTreeMargin } from '#scoring/wasm/tree-margin-plain.ts'
import { background, fixtureJson, fixturePath, vectorsOf } from './fixture.ts'
import { andTree, randomEnsemble, randomRows } from './random-ensemble.ts'

const attribute = (ensemble: TreeEnsemble, perspective: Perspective, vectors: Float32Array, rows: number): number[][] => {
  const shap = blockShap(kernelMemory(), ensemble, perspective)
  const out = new Float64Array(ensemble.features)
  return Array.from({ length: rows }, (_, r) => {
    shap.attribute(vectors, r * ensemble.features, out)
    return [...out]
  })
}
const farthest = (a: readonly number[], b: ArrayLike<number>): number => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))
/** Table entries are float32: leaves of magnitude up to 1 may cost a few units of 2^-24 a tree. Trained trees have leaves of hundredths. */
const rounding = (trees: number): number => 3e-7 * trees
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Shapley values from their definition: over all coalitions, with the value of each by walking the trees along covers. */
const byDefinition = ({ features, trees }: TreeEnsemble, row: Float32Array): number[] => {
  const value = (coalition: number): number =>
    sum(
      trees.map((tree) => {
        const visit = (node: number): number => {
          const feature = tree.feature[node]!
          if (feature === -1) return tree.leafValue[node]!
          const [left, right] = [tree.left[node]!, tree.right[node]!]
          const x = row[feature]!
          if ((coalition >> feature) & 1)
            return visit((Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!) ? left : right)
          return (tree.cover[left]! * visit(left) + tree.cover[right]! * visit(right)) / tree.cover[node]!
        }
        return visit(0)
      }),
    )
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
  return Array.from({ length: features }, (_, j) => {
    let total = 0
    for (let s = 0; s < 1 << features; s++) {
      if ((s >> j) & 1) continue
      const size = s.toString(2).replaceAll('0', '').length
      total += ((factorial(size) * factorial(features - size - 1)) / factorial(features)) * (value(s | (1 << j)) - value(s))
    }
    return total
  })
}

describe('exact attributions by block tables', () => {
  const corners = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1)
  test('the AND tree has the values worked out by hand', () => {
    const tree = andTree()
    expect(coverMean(tree)).toBe(20)
    expect(attribute(tree, { kind: 'path-dependent' }, corners, 4)).toEqual([
      [-10, -10],
      [-30, 10],
      [10, -30],
      [30, 30],
    ])
    expect(attribute(tree, { kind: 'interventional', background: Float32Array.of(0, 0) }, corners.subarray(6), 1)).toEqual([[40, 40]])
  })

  const shapes = fc.record({
    seed: fc.integer(),
    features: fc.integer({ min: 1, max: 8 }),
    trees: fc.integer({ min: 1, max: 12 }),
    depthMax: fc.integer({ min: 0, max: 8 }),
  })
  test('interventional attributions are those of the plain twin, missing values and repeated features included', () => {
    fc.assert(
      fc.property(shapes, ({ seed, ...shape }) => {
        const ensemble = randomEnsemble(seed, shape)
        const reference = randomRows(seed + 1, 7, shape.features)
        const vectors = randomRows(seed + 2, 5, shape.features)
        for (const [r, found] of attribute(ensemble, { kind: 'interventional', background: reference }, vectors, 5).entries())
          expect(farthest(found, plainInterventional(ensemble, reference, vectors, r * shape.features))).toBeLessThan(rounding(shape.trees))
      }),
      { numRuns: 60 },
    )
  })
  test('path-dependent attributions are those of the plain twin, and add up to margin less cover mean', () => {
    fc.assert(
      fc.property(shapes, ({ seed, ...shape }) => {
        const ensemble = randomEnsemble(seed, shape)
        const vectors = randomRows(seed + 2, 5, shape.features)
        for (const [r, found] of attribute(ensemble, { kind: 'path-dependent' }, vectors, 5).entries()) {
          expect(farthest(found, plainPathDependent(ensemble, vectors, r * shape.features))).toBeLessThan(rounding(shape.trees))
          expect(Math.abs(plainTreeMargin(ensemble, vectors, r * shape.features) - coverMean(ensemble) - sum(found))).toBeLessThan(
            rounding(shape.trees),
          )
        }
      }),
      { numRuns: 60 },
    )
  })
  test('the plain path-dependent twin is the Shapley value by its definition', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const ensemble = randomEnsemble(seed, { features: 5, trees: 3, depthMax: 5 })
        const row = randomRows(seed + 1, 1, 5)
        expect(farthest(byDefinition(ensemble, row), plainPathDependent(ensemble, row, 0))).toBeLessThan(1e-10)
      }),
      { numRuns: 30 },
    )
  })
  test('more than 64 columns and more than 255 thresholds a feature stay exact', () => {
    const ensemble = randomEnsemble(5, { features: 90, trees: 60, depthMax: 6 })
    // Half the trees split on feature 0 alone, at 600 thresholds in both missing directions.
    for (const [t, tree] of ensemble.trees.entries())
      for (let i = 0; i < tree.feature.length; i++) {
        if (t % 2 === 1 || tree.feature[i] === -1) continue
        tree.feature[i] = 0
        tree.threshold[i] = Math.fround(((i * 37 + t * 11) % 600) / 100 - 3)
      }
    const reference = randomRows(6, 9, 90)
    const vectors = randomRows(7, 6, 90)
    for (const [r, found] of attribute(ensemble, { kind: 'interventional', background: reference }, vectors, 6).entries())
      expect(farthest(found, plainInterventional(ensemble, reference, vectors, r * 90))).toBeLessThan(rounding(60))
  })
  test('more blocks than one segment of accumulators holds stay exact', () => {
    const ensemble = randomEnsemble(8, { features: 12, trees: 200, depthMax: 6, branching: 1 })
    const blocks = ensemble.trees.flatMap((tree) => blocksOf(tree, conditionsMax(6)))
    expect(blocks.length).toBeGreaterThan(2048)
    const vectors = randomRows(9, 3, 12)
    for (const [r, found] of attribute(ensemble, { kind: 'path-dependent' }, vectors, 3).entries())
      expect(farthest(found, plainPathDependent(ensemble, vectors, r * 12))).toBeLessThan(rounding(200))
  })
  test('rows explained together get the bits that each gets alone, however many they are', () => {
    const size = fc.record({ rows: fc.integer({ min: 1, max: 150 }), skipped: fc.integer({ min: 0, max: 3 }) })
    const alike = (ensemble: TreeEnsemble, seed: number, { rows, skipped }: { rows: number; skipped: number }): void => {
      const { features } = ensemble
      const shap = blockShap(kernelMemory(), ensemble, { kind: 'path-dependent' })
      const vectors = randomRows(seed, skipped + rows, features)
      const alone = new Float64Array(rows * features)
      for (let r = 0; r < rows; r++) shap.attribute(vectors, (skipped + r) * features, alone.subarray(r * features, (r + 1) * features))
      const together = new Float64Array(rows * features).fill(NaN)
      shap.attributeRows(vectors, skipped * features, rows, together)
      expect(Buffer.compare(Buffer.from(together.buffer), Buffer.from(alone.buffer))).toBe(0)
    }
    fc.assert(
      fc.property(shapes, size, ({ seed, ...shape }, counts) => alike(randomEnsemble(seed, shape), seed + 1, counts)),
      { numRuns: 60 },
    )
    // Several segments, and blocks of eight conditions.
    alike(randomEnsemble(8, { features: 12, trees: 200, depthMax: 6, branching: 1 }), 10, { rows: 67, skipped: 1 })
    alike(randomEnsemble(8, { features: 90, trees: 40, depthMax: 8, branching: 1 }), 10, { rows: 35, skipped: 0 })
  })
  test('every leaf lies in one block, whose conditions fit', () => {
    fc.assert(
      fc.property(shapes, ({ seed, ...shape }) => {
        for (const tree of randomEnsemble(seed, shape).trees) {
          const capacity = conditionsMax(treeDepth(tree))
          const blocks = blocksOf(tree, capacity)
          const leaves = tree.feature.filter((feature) => feature === -1).length
          expect(blocks.every((block) => block.conditions.length <= capacity)).toBe(true)
          if (leaves > 1) expect(sum(blocks.map((block) => block.leaves.length))).toBe(leaves)
        }
      }),
    )
  })
  test('trees deeper than the codes reach, and covers that are missing, are refused with a remedy', () => {
    const deep = randomEnsemble(3, { features: 4, trees: 1, depthMax: 9, branching: 1 })
    expect(() => attribute(deep, { kind: 'path-dependent' }, randomRows(1, 1, 4), 1)).toThrow(
      /depth 8 or less, got 9; train with max_depth 6/,
    )
    const bare = andTree()
    bare.trees[0]!.cover.fill(0)
    expect(() => attribute(bare, { kind: 'path-dependent' }, corners, 1)).toThrow(/nodes without cover.*nodes_hitrates/)
  })
})

describe('agreement with shap and LightGBM (test/fixtures/scoring/generate.py)', () => {
  const expected = fixtureJson('shap.json') as Record<'rows' | 'interventional' | 'pathDependent' | 'predContrib', number[][]> &
    Record<'interventionalBase' | 'pathDependentBase', number>
  const ensemble = readTreeEnsembleOnnx(readFileSync(fixturePath('bundle/trees.onnx')))
  const vectors = vectorsOf(expected.rows)
  /** shap adds float64 leaves, ONNX holds float32 ones. */
  const tolerance = 1e-6

  test('interventional values are those of shap.TreeExplainer with an independent masker', () => {
    const found = attribute(ensemble, { kind: 'interventional', background: background() }, vectors, expected.rows.length)
    for (const [r, row] of expected.interventional.entries()) expect(farthest(found[r]!, row)).toBeLessThan(tolerance)
  })
  test('path-dependent values are those of shap.TreeExplainer and of LightGBM pred_contrib', () => {
    const found = attribute(ensemble, { kind: 'path-dependent' }, vectors, expected.rows.length)
    expect(Math.abs(coverMean(ensemble) - expected.pathDependentBase)).toBeLessThan(tolerance)
    for (const [r, row] of expected.pathDependent.entries()) expect(farthest(found[r]!, row)).toBeLessThan(tolerance)
    for (const [r, row] of expected.predContrib.entries()) expect(farthest(found[r]!, row)).toBeLessThan(tolerance)
  })
})
