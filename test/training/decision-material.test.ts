import { expect, test } from 'vitest'
import { binLayout, binOf } from '#monitoring/drift/bin-layout.ts'
import { backgroundBytes, chooseBackground } from '#training/background.ts'
import { checkCutOff, cutOffs, DEFAULT_ECONOMICS, realisedProfit } from '#training/cut-offs.ts'
import type { Dataset } from '#training/dataset.ts'
import { referenceDistribution } from '#training/reference-distribution.ts'
import { seededRandom } from '#training/random.ts'

const random = seededRandom(2)
const rows = 5000
const probabilities = Float64Array.from({ length: rows }, () => random() ** 2)
const labels = Uint8Array.from(probabilities, (probability) => Number(random() < probability))
const data: Dataset = {
  rows,
  columns: 2,
  values: Float32Array.from({ length: rows * 2 }, (_, index) => (index % 14 === 0 ? Number.NaN : index)),
  labels,
  applicantIds: Array.from({ length: rows }, (_, row) => `a${row}`),
}

test('the cut-offs lie a review’s cost either side of break-even', () => {
  const { refer, decline, margin, lossGivenDefault } = cutOffs(DEFAULT_ECONOMICS)
  const profit = (probability: number): number => (1 - probability) * margin - probability * lossGivenDefault
  expect(profit(refer)).toBeCloseTo(DEFAULT_ECONOMICS.reviewCost, 6)
  expect(profit(decline)).toBeCloseTo(-DEFAULT_ECONOMICS.reviewCost, 6)
})

test('with true probabilities, break-even earns nearly what the best cut-off in hindsight would', () => {
  const check = checkCutOff(probabilities, labels, DEFAULT_ECONOMICS)
  expect(check.breakEven).toBe(0.25)
  expect(check.profitAtBest).toBeGreaterThanOrEqual(check.profitAtBreakEven)
  expect(check.profitAtBest - check.profitAtBreakEven).toBeLessThan(0.005)
  expect(realisedProfit(probabilities, labels, DEFAULT_ECONOMICS, check.bestCutOff)).toBeCloseTo(check.profitAtBest, 12)
})

test('the background is the approvals nearest below the cut-off', () => {
  const background = chooseBackground(data, probabilities, 0.2, 100)
  const chosen = background.applicantIds.map((id) => probabilities[Number(id.slice(1))]!)
  const approved = [...probabilities].filter((probability) => probability < 0.2).toSorted((a, b) => b - a)
  expect(chosen).toEqual(approved.slice(0, 100))
  expect(() => chooseBackground(data, probabilities, 0)).toThrow('the lending economics')
})

test('background bytes are little-endian float32, missing values included', () => {
  const bytes = backgroundBytes(data)
  const view = new DataView(bytes.buffer)
  expect(bytes.length).toBe(rows * 2 * 4)
  expect(view.getFloat32(0, true)).toBeNaN()
  expect(view.getFloat32(3 * 4, true)).toBe(3)
})

test('reference shares add up to 1 and count missing values last', () => {
  const { edges, shares } = referenceDistribution('x', Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Number.NaN, Number.NaN))
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
  expect(shares.at(-1)).toBeCloseTo(2 / 12, 12)
  expect(shares).toHaveLength(edges.length + 2)
})

test('a reference records the range of its known values, beyond which monitoring counts what was never seen', () => {
  const values = Float32Array.of(3, 1, Number.NaN, 2.5, 9)
  expect(referenceDistribution('x', values)).toMatchObject({ low: 1, high: 9 })
  const layout = binLayout({
    modelVersion: 'm@1',
    features: [referenceDistribution('x', values)],
    score: referenceDistribution('score', values),
    rows: 5,
  })
  const [below, above] = [layout.first[0]!, layout.first[1]! - 2]
  expect([0.999, 9.001].map((value) => binOf(layout, 0, value))).toEqual([below, above])
  expect([1, 9].some((value) => [below, above].includes(binOf(layout, 0, value)))).toBe(false)
  expect([layout.reference[below], layout.reference[above]]).toEqual([0, 0])
})

test('a feature of one value has no edges, one never known has share 1 missing', () => {
  expect(referenceDistribution('constant', new Float32Array(5)).edges).toEqual([])
  expect(referenceDistribution('unknown', new Float32Array(5).fill(Number.NaN))).toEqual({ feature: 'unknown', edges: [], shares: [0, 1] })
})
