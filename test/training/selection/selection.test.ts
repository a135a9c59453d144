import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FeatureSet } from '#features/feature-set.ts'
import { emptyTree, type Tree } from '#registry/onnx/tree-ensemble.ts'
import type { Dataset } from '#training/dataset.ts'
import { lightGbmLearner } from '#training/lightgbm/learner.ts'
import { openLightGbm } from '#training/lightgbm/lightgbm.ts'
import { seededRandom } from '#training/random.ts'
import { populationShift } from '#training/selection/population-shift.ts'
import { leaderClusters, rankCorrelations } from '#training/selection/rank-correlation.ts'
import { selectFeatures } from '#training/selection/select-features.ts'
import { selectionText } from '#training/selection/selection-text.ts'
import { splitGain } from '#training/selection/split-gain.ts'
import { lightGbmPath } from '../native-library.ts'

/** See `test/fixtures/training/generate_preparation.py`. */
const reference = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/training/preparation.json'), 'utf8')) as Record<
  'amount' | 'code',
  (number | null)[]
> & { readonly spearman: number }
const floats = (values: readonly (number | null)[]): Float32Array => Float32Array.from(values, (value) => value ?? Number.NaN)

const stump = (feature: number, rows: readonly [number, number], values: readonly [number, number]): Tree => {
  const tree = emptyTree(3)
  tree.feature[0] = feature
  tree.left[0] = 1
  tree.right[0] = 2
  tree.cover.set([rows[0] + rows[1], ...rows])
  tree.leafValue.set([0, ...values])
  return tree
}

describe('importance', () => {
  test('is each feature’s share of the variance of what trees say', () => {
    // Half and half of ±1 has variance 1, a tenth of 2 among zeros 0.36.
    const trees = [stump(0, [50, 50], [1, -1]), stump(2, [90, 10], [0, 2])]
    const shares = splitGain({ features: 3, base: 0, trees })
    expect(shares[0]).toBeCloseTo(1 / 1.36, 12)
    expect(shares[1]).toBe(0)
    expect(shares[2]).toBeCloseTo(0.36 / 1.36, 12)
  })
  test('of trees that split on nothing is 0', () => {
    expect([...splitGain({ features: 2, base: 0, trees: [emptyTree(1)] })]).toEqual([0, 0])
  })
})

describe('rank correlation', () => {
  test('is scipy’s, ties and missing values included', () => {
    const [both] = rankCorrelations([floats(reference.amount), floats(reference.code)])
    expect(both![0]).toBeCloseTo(1, 12)
    expect(both![1]).toBeCloseTo(reference.spearman, 12)
  })
  test('makes clusters whose members follow their leader, which is worth more, and whose leaders do not follow each other', () => {
    const correlations = fc
      .integer({ min: 1, max: 8 })
      .chain((n) =>
        fc.array(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n, maxLength: n }), { minLength: n, maxLength: n }),
      )
    fc.assert(
      fc.property(correlations, fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 8, maxLength: 8 }), (drawn, worth) => {
        const symmetric = drawn.map((row, i) => Float64Array.from(row, (value, j) => (i === j ? 1 : i < j ? value : drawn[j]![i]!)))
        const leaders = leaderClusters(symmetric, worth, 0.5)
        const distinct = [...new Set(leaders)]
        for (const [feature, leader] of leaders.entries()) {
          expect(leaders[leader]).toBe(leader)
          expect(Math.abs(symmetric[leader]![feature]!)).toBeGreaterThanOrEqual(0.5)
          expect(worth[leader]!).toBeGreaterThanOrEqual(worth[feature]!)
        }
        for (const a of distinct) for (const b of distinct) if (a !== b) expect(Math.abs(symmetric[a]![b]!)).toBeLessThan(0.5)
      }),
      { numRuns: 200 },
    )
  })
})

const ROWS = 3000
/** 0 and 1 tell, 2 follows 0, 3 is noise that doubled in the newer half. */
const simulated = (): Dataset => {
  const random = seededRandom(3)
  const values = new Float32Array(ROWS * 4)
  const labels = new Uint8Array(ROWS)
  for (let row = 0; row < ROWS; row++) {
    const [a, b] = [random() * 4 - 2, random() * 4 - 2]
    labels[row] = Number(random() < 1 / (1 + Math.exp(-(1.5 * a - b - 1))))
    values.set([a, b, Math.exp(a) + 0.01 * random(), random() * (row < ROWS / 2 ? 1 : 2)], row * 4)
  }
  const applicantIds = Array.from({ length: ROWS }, (_, row) => `a${row}`)
  return { rows: ROWS, columns: 4, values, labels, applicantIds, eventTimes: Float64Array.from({ length: ROWS }, (_, row) => row) }
}
const data = simulated()

describe('the population stability index', () => {
  test('of a distribution that halves in density over twice the range is that of its deciles, of others near 0', () => {
    const shift = populationShift(data)!
    // Nine lower deciles of the older half hold 5 % each of the newer, the last one the other 55 %.
    const expected = 9 * (0.05 - 0.1) * Math.log(0.05 / 0.1) + (0.55 - 0.1) * Math.log(0.55 / 0.1)
    expect(Math.abs(shift[3]! - expected)).toBeLessThan(0.15)
    expect(Math.max(shift[0]!, shift[1]!, shift[2]!)).toBeLessThan(0.05)
  })
  test('is unknown without event times', () => {
    const { eventTimes: _, ...timeless } = data
    expect(populationShift(timeless)).toBeNull()
  })
})

describe.skipIf(lightGbmPath === null)('a selection report', () => {
  const features = ['tells.more', 'tells', 'repeats', 'noise'].map((name, index) => ({ name, stateBytes: index * 8 }))
  const featureSet = { features } as unknown as FeatureSet
  const settings = { depth: 3, leaves: 6, rowsPerLeafMin: 50, ridge: 10, learningRate: 0.1, featureShare: 1, rowShare: 1 }
  const run = () => {
    const learner = lightGbmLearner(openLightGbm(lightGbmPath!))
    return selectFeatures({ learner, seed: 1, directions: new Map(), threads: 1 }, { settings, iterations: 30 }, data, featureSet)
  }
  const report = run()
  const of = (name: string) => report.features.find(({ feature }) => feature === name)!

  test('names what repeats another feature and what says nothing', () => {
    const [first, second] = [of('tells.more'), of('repeats')].toSorted((a, b) => b.importance - a.importance)
    expect(second!.leader).toBe(first!.feature)
    expect(second!.correlation).toBeGreaterThan(0.95)
    expect(of('tells').leader).toBe('tells')
    expect(of('noise').rankWorst).toBe(4)
    expect(report.features.reduce((sum, { importance }) => sum + importance, 0)).toBeCloseTo(1, 9)
  })
  test('recommends to drop a repetition, whose paired interval holds 0', () => {
    const redundant = report.trials.find(({ why }) => why === 'redundant')!
    expect(redundant.features).toHaveLength(1)
    expect(redundant.difference.low).toBeLessThanOrEqual(0)
    expect(redundant.difference.high).toBeGreaterThan(-0.002)
    expect(selectionText(report)).toContain('recommended: drop 1 redundant features')
  })
  test('is the same again', () => {
    expect(run()).toEqual(report)
  })
})
