import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decision, Outcome } from '#web/src/api/types.ts'
import { LiveStatistics, SECONDS, STAGES, WINDOW } from '#web/src/live/live-statistics.ts'
import { areaUnder, calibrationOf, precisionRecallOf, rocOf } from '#web/src/model/curves.ts'
import { parseMetrics, total } from '#web/src/operations/metrics-text.ts'
import { explained, shortly } from '#web/src/parts/feature-words.ts'
import { wilson } from '#web/src/parts/interval.ts'
import { money, significant } from '#web/src/parts/format.ts'
import { stepOf } from '#web/src/portfolio/statements.ts'

const decision = (changes: { outcome?: Outcome; score?: number; at?: number; us?: number }): Decision =>
  ({
    decision: changes.outcome ?? 'approve',
    score: changes.score ?? 550,
    decidedAt: new Date(changes.at ?? 1_700_000_000_000).toISOString(),
    stages: Object.fromEntries([...STAGES, 'commitUs'].map((stage) => [stage, changes.us ?? 10])),
  }) as unknown as Decision

describe('live figures', () => {
  test('every decision counts once: totals, mix, distribution and throughput agree', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            outcome: fc.constantFrom<Outcome>('approve', 'refer', 'decline'),
            score: fc.double({ min: 300, max: 800, noNaN: true }),
            ago: fc.integer({ min: 1, max: SECONDS - 2 }),
          }),
          { maxLength: 300 },
        ),
        (given) => {
          const now = 1_700_000_000_000
          const statistics = new LiveStatistics()
          for (const { outcome, score, ago } of given) statistics.take(decision({ outcome, score, at: now - ago * 1_000 }))
          const sum = (counts: Readonly<Record<Outcome, number>>) => counts.approve + counts.refer + counts.decline
          expect(sum(statistics.totals)).toBe(given.length)
          expect(sum(statistics.mix())).toBe(given.length)
          expect(statistics.scores().reduce((all, { counts }) => all + sum(counts), 0)).toBe(given.length)
          const { counts } = statistics.throughput(now)
          expect(['approve', 'refer', 'decline'].flatMap((outcome) => counts[outcome as Outcome]).reduce((a, b) => a + b, 0)).toBe(
            given.length,
          )
        },
      ),
    )
  })

  test('percentiles are of the last decisions only, by nearest rank', () => {
    const statistics = new LiveStatistics()
    for (let i = 0; i < WINDOW; i++) statistics.take(decision({ us: 1_000_000 }))
    for (let i = 1; i <= WINDOW; i++) statistics.take(decision({ us: i }))
    const [queue] = statistics.latencies()
    expect(queue).toEqual({ stage: 'queueUs', p50: WINDOW / 2, p95: WINDOW * 0.95, p99: WINDOW * 0.99 })
    expect(statistics.latencies().at(-1)).toMatchObject({ stage: 'total', p50: (WINDOW / 2) * STAGES.length })
  })

  test('what the server left out is counted, and said to be', () => {
    const statistics = new LiveStatistics()
    statistics.skip({ approve: 3, refer: 0, decline: 2 }, 1_700_000_000_000)
    expect([statistics.conflated, statistics.totals, statistics.size]).toEqual([5, { approve: 3, refer: 0, decline: 2 }, 0])
  })
})

const bins = fc
  .uniqueArray(
    fc.record({
      bin: fc.integer({ min: 0, max: 499 }),
      n: fc.integer({ min: 1, max: 50 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    { selector: ({ bin }) => bin, minLength: 2, maxLength: 60 },
  )
  .map((rows) => rows.map(({ bin, n, share }) => ({ bin, n, bad: Math.round(n * share), expected: (n * (bin + 0.5)) / 500 })))

describe('curves', () => {
  test('the area under the ROC curve is the share of pairs in the right order, ties counted half', () => {
    fc.assert(
      fc.property(bins, (rows) => {
        const bad = rows.reduce((sum, row) => sum + row.bad, 0)
        const good = rows.reduce((sum, row) => sum + row.n - row.bad, 0)
        fc.pre(bad > 0 && good > 0)
        let ordered = 0
        for (const a of rows) for (const b of rows) ordered += a.bad * (b.n - b.bad) * (a.bin > b.bin ? 1 : a.bin === b.bin ? 0.5 : 0)
        expect(areaUnder(rocOf(rows))).toBeCloseTo(ordered / (bad * good), 9)
      }),
    )
  })

  test('precision ends at the share of bad, where everything is flagged', () => {
    fc.assert(
      fc.property(bins, (rows) => {
        const bad = rows.reduce((sum, row) => sum + row.bad, 0)
        fc.pre(bad > 0)
        const last = precisionRecallOf(rows).at(-1)
        expect([last?.x, last?.y]).toEqual([1, bad / rows.reduce((sum, row) => sum + row.n, 0)])
      }),
    )
  })

  test('calibration groups hold every decision once, in order of probability', () => {
    fc.assert(
      fc.property(bins, (rows) => {
        const groups = calibrationOf(rows)
        expect(groups.reduce((sum, { n }) => sum + n, 0)).toBe(rows.reduce((sum, { n }) => sum + n, 0))
        const expected = groups.map((group) => group.expected)
        expect(expected).toEqual(expected.toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('figures', () => {
  // SciPy 1.17.1: binomtest(10, 50).proportion_ci(method='wilson') and (0, 20).
  test.each([
    [10, 50, 0.112437, 0.330371],
    [0, 20, 0, 0.161125],
  ])('Wilson’s interval of %i of %i agrees with SciPy', (successes, n, low, high) => {
    const interval = wilson(successes, n)
    expect(interval?.low).toBeCloseTo(low, 5)
    expect(interval?.high).toBeCloseTo(high, 5)
  })

  test('money keeps the minor units of its currency', () => {
    expect([money(4_000_000, 'TWD'), money(4_000_000, 'JPY'), money(-439_500, 'TWD')]).toEqual([
      '40,000 TWD',
      '4,000,000 JPY',
      '−4,395 TWD',
    ])
    expect([significant(0.018_351_4), significant(-0.000_012), significant(12_345.6)]).toEqual(['0.01835', '−1.2e−5', '12,346'])
  })

  test('a point in time holds applications enough to tell a rate from noise, and there are at most about sixty', () => {
    expect([stepOf(365, 30_000), stepOf(365, 750), stepOf(30, 2_000), stepOf(30, 130), stepOf(7, 3), stepOf(3_000, 1e9)]).toEqual([
      'week',
      'month',
      'day',
      'week',
      'day',
      'month',
    ])
  })

  test('a feature is named in short, and what was left out is kept apart', () => {
    const description = 'Latest of repayment status (−2 no use, n = n months late), over the last 6 months'
    expect(shortly(description)).toBe('Latest of repayment status, over the last 6 months')
    expect(explained(description)).toBe('−2 no use, n = n months late')
    expect([shortly('Amount'), explained('Amount')]).toEqual(['Amount', ''])
  })

  test('Prometheus text is read sample by sample, comments and labels included', () => {
    const samples = parseMetrics('# HELP a What\n# TYPE a counter\na{kind="x \\"y\\"",b="z"} 3\na{kind="w"} 4\nb 1.5e3\n')
    expect([total(samples, 'a'), total(samples, 'b'), total(samples, 'c')]).toEqual([7, 1_500, undefined])
    expect(samples[0]?.labels).toEqual({ kind: 'x \\"y\\"', b: 'z' })
  })
})
