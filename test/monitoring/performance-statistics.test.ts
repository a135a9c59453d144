import { expect, test } from 'vitest'
import { calibration } from '#monitoring/performance/calibration.ts'
import { judgePerformance } from '#monitoring/performance/judge-performance.ts'
import { brier, discrimination, type ScoreBin } from '#monitoring/performance/score-labels.ts'
import { auc } from '../../training/metrics/auc.ts'
import { calibrationCheck } from '../../training/metrics/calibration-slope.ts'
import { brierScore } from '../../training/metrics/probability-scores.ts'
import { golden } from './golden.ts'
import { randomFrom, settings } from './watched-stream.ts'

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Loans whose outcome follows `sigmoid(shift + x)` where `x` was predicted. */
const loans = (count: number, shift = 0) => {
  const random = randomFrom(7)
  return Array.from({ length: count }, () => {
    const logOdds = 4 * random() - 3.5
    return { logOdds, probability: sigmoid(logOdds), label: random() < sigmoid(logOdds + shift) ? 1 : 0 }
  })
}
const binned = (rows: ReturnType<typeof loans>): ScoreBin[] =>
  [...Map.groupBy(rows, ({ logOdds }) => Math.round(logOdds * 50)).values()].map((some) => {
    const errors = some.map(({ probability, label }) => (probability - label) ** 2)
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
    return {
      logOdds: sum(some.map(({ logOdds }) => logOdds)) / some.length,
      goods: some.filter(({ label }) => label === 0).length,
      bads: some.filter(({ label }) => label === 1).length,
      probability: sum(some.map(({ probability }) => probability)),
      squaredError: sum(errors),
      squaredErrorSquared: sum(errors.map((error) => error ** 2)),
    }
  })

test('AUC and KS of a scorecard’s bands are the published ones', () => {
  const { goods, bads, auc: area, ks } = golden.scorecard.woe
  const found = discrimination(goods.map((good, band) => ({ logOdds: -band, goods: good, bads: bads[band]! })))!
  expect(found.auc.value).toBeCloseTo(area, 12)
  expect(2 * found.auc.value - 1).toBeCloseTo(golden.scorecard.woe.gini, 12)
  expect(found.ks).toBeCloseTo(ks, 12)
})

test('figures from fine bins are those of the loans one by one', () => {
  const rows = loans(3_000)
  const [scores, labels] = [rows.map(({ logOdds }) => logOdds), rows.map(({ label }) => label)]
  const bins = binned(rows)
  const [exact, found] = [auc(scores, labels), discrimination(bins)!.auc]
  for (const bound of ['value', 'low', 'high'] as const) expect(found[bound]).toBeCloseTo(exact[bound], 3)
  expect(brier(bins).value).toBeCloseTo(
    brierScore(
      rows.map(({ probability }) => probability),
      labels,
    ),
    10,
  )
  const [check, calibrated] = [calibrationCheck(scores, labels), calibration(bins)!]
  for (const bound of ['value', 'low', 'high'] as const) {
    expect(calibrated.slope[bound]).toBeCloseTo(check.slope[bound], 3)
    expect(calibrated.intercept[bound]).toBeCloseTo(check.intercept[bound], 3)
  }
})

const window = (rows: ReturnType<typeof loans>) => ({ from: 0, to: 1, modelVersion: 'credit@1', bins: binned(rows) })

test('a model that still foretells raises nothing; one whose risk is underestimated, or that lost its rank order, does', () => {
  const { performance } = settings()
  const causes = (rows: ReturnType<typeof loans>, atFit: number) =>
    judgePerformance(window(rows), atFit, 5, performance).alerts.flatMap(({ alert }) => (alert ? [alert.cause] : []))
  expect(causes(loans(3_000), 0.75)).toEqual([])
  expect(causes(loans(3_000, 1), 0.75)).toEqual(['calibration'])
  expect(causes(loans(3_000), 0.95)).toEqual(['discrimination'])
})

test('too few outcomes of either kind make no row', () => {
  expect(judgePerformance(window(loans(20)), 0.8, 5, settings().performance)).toEqual({ rows: [], alerts: [], auc: undefined })
})
