import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auc, aucDifference, gini, midranks } from '#training/metrics/auc.ts'
import { bootstrap, quantile } from '#training/metrics/bootstrap.ts'
import { calibrationCheck } from '#training/metrics/calibration-slope.ts'
import { kolmogorovSmirnov } from '#training/metrics/kolmogorov-smirnov.ts'
import { lift } from '#training/metrics/lift.ts'
import { brierScore, logLoss } from '#training/metrics/probability-scores.ts'
import { seededRandom } from '#training/random.ts'
import { reference } from './reference.ts'

const { scores, others, labels, probabilities } = reference
const logOdds = probabilities.map((p) => Math.log(p / (1 - p)))
const Z95 = 1.959963984540054

/** Scores with many ties, and labels with both outcomes. */
const scored = fc
  .array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 1 })), { minLength: 4, maxLength: 60 })
  .filter((rows) => rows.filter(([, label]) => label === 1).length > 1 && rows.filter(([, label]) => label === 0).length > 1)

describe('AUC', () => {
  test('agrees with scikit-learn in the presence of ties', () => {
    expect(auc(scores, labels).value).toBeCloseTo(reference.auc, 12)
  })
  test('has the interval of DeLong’s definition', () => {
    const { value, low, high } = auc(scores, labels)
    reference.delong.auc.forEach((expected, index) => expect([value, low, high][index]).toBeCloseTo(expected, 12))
  })
  test('differences have the paired interval of DeLong’s definition', () => {
    const { value, low, high } = aucDifference(scores, others, labels)
    reference.delong.difference.forEach((expected, index) => expect([value, low, high][index]).toBeCloseTo(expected, 12))
  })
  test('is the share of bad–good pairs ranked rightly', () => {
    fc.assert(
      fc.property(scored, (rows) => {
        let [wins, pairs] = [0, 0]
        for (const [bad, isBad] of rows)
          for (const [good, isAlsoBad] of rows)
            if (isBad === 1 && isAlsoBad === 0) [wins, pairs] = [wins + (bad > good ? 1 : bad === good ? 0.5 : 0), pairs + 1]
        const value = auc(
          rows.map(([score]) => score),
          rows.map(([, label]) => label),
        ).value
        expect(value).toBeCloseTo(wins / pairs, 12)
      }),
    )
  })
  test('of one outcome alone is refused with the counts', () => {
    expect(() => auc([1, 2], [1, 1])).toThrow('2 bads and 0 goods')
  })
  test('maps to Gini with its interval', () => {
    expect(gini({ value: 0.75, low: 0.7, high: 0.8 })).toEqual({ value: 0.5, low: 0.3999999999999999, high: 0.6000000000000001 })
  })
  test('midranks give ties their mean rank', () => {
    expect([...midranks([3, 1, 3, 2])]).toEqual([3.5, 1, 3.5, 2])
  })
})

describe('probability scores', () => {
  test('Brier score and log loss agree with scikit-learn', () => {
    expect(brierScore(probabilities, labels)).toBeCloseTo(reference.brier, 12)
    expect(logLoss(probabilities, labels)).toBeCloseTo(reference.logLoss, 12)
  })
})

describe('separation and concentration', () => {
  test('KS agrees with the largest gap of scikit-learn’s ROC curve', () => {
    expect(kolmogorovSmirnov(scores, labels)).toBeCloseTo(reference.ks, 12)
  })
  test('a published table of four bins has KS 0.4, AUC 0.75 and Gini 0.5', () => {
    const [goods, bads] = [
      [100, 200, 300, 400],
      [40, 30, 20, 10],
    ] as const
    const rows = goods.flatMap((good, bin) => [
      ...Array.from({ length: good }, () => [-bin, 0] as const),
      ...Array.from({ length: bads[bin]! }, () => [-bin, 1] as const),
    ])
    const [risk, outcome] = [rows.map(([score]) => score), rows.map(([, label]) => label)]
    expect(kolmogorovSmirnov(risk, outcome)).toBeCloseTo(0.4, 12)
    expect(auc(risk, outcome).value).toBeCloseTo(0.75, 12)
    expect(gini(auc(risk, outcome)).value).toBeCloseTo(0.5, 12)
  })
  test('lift of everyone is 1, of a perfect ranking 1 over the bad rate, and ties are shared', () => {
    expect(lift(scores, labels, 1)).toBeCloseTo(1, 12)
    expect(lift([5, 4, 3, 2, 1], [1, 0, 0, 0, 0], 0.2)).toBe(5)
    expect(lift([1, 1, 1, 1], [1, 0, 1, 0], 0.25)).toBe(1)
  })
})

describe('calibration', () => {
  test('slope and intercept agree with maximum likelihood by scipy, errors with the inverse information', () => {
    const { slope, intercept } = calibrationCheck(logOdds, labels)
    const expected = reference.calibration
    expect(slope.value).toBeCloseTo(expected.slope, 6)
    expect(slope.high - slope.value).toBeCloseTo(Z95 * expected.slopeError, 6)
    expect(intercept.value).toBeCloseTo(expected.intercept, 6)
    expect(intercept.value - intercept.low).toBeCloseTo(Z95 * expected.interceptError, 6)
  })
})

describe('bootstrap', () => {
  test('quantiles interpolate as numpy does', () => {
    const sorted = scores.toSorted((a, b) => a - b)
    reference.quantiles.shares.forEach((share, index) =>
      expect(quantile(sorted, share)).toBeCloseTo(reference.quantiles.values[index]!, 12),
    )
  })
  test('the same seed gives the same interval', () => {
    const run = () => bootstrap(kolmogorovSmirnov, scores, labels, seededRandom(3), 50)
    expect(run()).toEqual(run())
  })
  test('the interval of a mean approaches the normal one', () => {
    const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
    const { value, low, high } = bootstrap(mean, probabilities, labels, seededRandom(1), 4000)
    const variance = probabilities.reduce((sum, p) => sum + (p - value) ** 2, 0) / probabilities.length
    const half = Z95 * Math.sqrt(variance / probabilities.length)
    expect((high - low) / 2 / half).toBeCloseTo(1, 1)
  })
})
