import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calibrate, chooseCalibration, fitIsotonic, fitPlatt } from '#training/calibration.ts'
import { sigmoid } from '#training/logistic-regression.ts'
import { seededRandom } from '#training/random.ts'
import { fitStack, stackMargins } from '#training/stack.ts'
import { reference } from './reference.ts'

const rows = 6000
const random = seededRandom(4)
const normalish = (): number => random() + random() + random() + random() - 2
const truth = Float64Array.from({ length: rows }, () => 3 * normalish() - 1)
const folds = Uint8Array.from({ length: rows }, (_, row) => row % 5)
const outcomes = (probability: (margin: number) => number): Uint8Array =>
  Uint8Array.from(truth, (margin) => Number(random() < probability(margin)))

describe('isotonic calibration', () => {
  test('has scikit-learn’s blocks, ties included', () => {
    const scores = Float64Array.from(reference.scores)
    const calibration = fitIsotonic(scores, reference.labels)
    // scikit-learn's knots are the ends of a block, ours its mean: the block values are what must agree.
    const rounded = (values: readonly number[]): number[] => [...new Set(values.map((value) => Math.round(value * 1e9)))]
    expect(rounded(calibration.probabilities)).toEqual(rounded(reference.isotonic.values))
  })
  test('never falls, whatever the labels', () => {
    const sample = fc.array(fc.tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.integer({ min: 0, max: 1 })), {
      minLength: 1,
      maxLength: 80,
    })
    fc.assert(
      fc.property(sample, fc.double({ min: -6, max: 6, noNaN: true }), fc.double({ min: 0, max: 3, noNaN: true }), (data, at, step) => {
        const calibration = fitIsotonic(
          Float64Array.from(data, ([margin]) => margin),
          data.map(([, label]) => label),
        )
        expect(calibrate(calibration, at + step)).toBeGreaterThanOrEqual(calibrate(calibration, at) - 1e-15)
        expect(calibration.margins.every((margin, knot) => knot === 0 || margin > calibration.margins[knot - 1]!)).toBe(true)
      }),
    )
  })
})

describe('choosing the calibration', () => {
  test('finds slope and intercept of a distorted margin by Platt', () => {
    const labels = outcomes((margin) => sigmoid(0.5 * margin - 1))
    const choice = chooseCalibration(truth, labels, folds)
    expect(choice.calibration.kind).toBe('platt')
    expect(fitPlatt(truth, labels).slope).toBeCloseTo(0.5, 1)
  })
  test('takes isotonic where the truth is a step that no logistic map follows', () => {
    const labels = outcomes((margin) => (margin < -2 ? 0.02 : margin < 1 ? 0.3 : 0.35))
    const choice = chooseCalibration(truth, labels, folds)
    expect(choice.difference).toBeLessThan(-2 * choice.differenceError)
    expect(choice.calibration.kind).toBe('isotonic')
  })
})

describe('stacking', () => {
  const labels = outcomes((margin) => sigmoid(margin))
  const noisy = (scale: number): Float64Array => truth.map((margin) => margin + scale * normalish())

  test('gives the better member the larger weight and none a negative one', () => {
    const members = [noisy(1), noisy(3), truth.map((margin) => -margin + 4 * normalish())]
    const { weights } = fitStack(members, labels)
    expect(weights[0]).toBeGreaterThan(weights[1]!)
    expect(Math.min(...weights)).toBe(0)
    expect(weights[2]).toBe(0)
  })
  test('recovers the truth from the truth: weight 1, intercept 0', () => {
    const { weights, intercept } = fitStack([truth], labels)
    expect(weights[0]).toBeCloseTo(1, 1)
    expect(Math.abs(intercept)).toBeLessThan(0.15)
  })
  test('margins are the weighted sum', () => {
    expect([...stackMargins({ intercept: 1, weights: [2, 0.5] }, [Float64Array.of(1, 2), Float64Array.of(4, -4)])]).toEqual([5, 3])
  })
  test('members that contradict the outcome are refused, not published', () => {
    expect(() => fitStack([truth.map((margin) => -margin)], labels)).toThrow('no member ranks better than chance')
  })
})
