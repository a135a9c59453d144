/** The analyst guide's queries, run as written, over the SQL port; and what they must say of a portfolio that is known. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertCertificates } from '#streams/clickhouse/certificate-rows.ts'
import type { Certificate } from '#streams/evolution/certificate.ts'
import { ask, openSqlFixture, type SqlFixture } from './support/sql-fixture.ts'

const guide = readFileSync(join(import.meta.dirname, '../../docs/analyst-guide.md'), 'utf8')
/** Title and query of each numbered section. */
const queries = [...guide.matchAll(/^\*\*(\d+)\. (.+?)\*\*\n\n```sql\n([\s\S]+?)\n```$/gm)].map(([, number, title, sql]) => ({
  number: Number(number),
  title: title ?? '',
  sql: sql ?? '',
}))

/** One gate of a successor, as the sink writes it. */
const JUDGED = {
  judged_at: '2026-01-01 00:00:00.000',
  name: 'credit',
  version: 'bbb',
  against: 'aaa',
  request_id: 'retrain:1',
  gate: 'auc-non-inferior',
  state: 'passed',
  value: -0.001,
  low: -0.005,
  high: 0.004,
  threshold: -0.01,
  detail: 'as good',
}

/** One change of the feature set, as the engine certifies it. */
const CERTIFICATE: Certificate = {
  from: { featureSetHash: 'aaa', modelVersion: 'credit@aaa' },
  to: { featureSetHash: 'bbb', modelVersion: 'credit@bbb' },
  comparedAt: Date.UTC(2026, 0, 1),
  comparedAtOffsets: [4, 5],
  applicants: 2,
  vectors: 2,
  decisions: 1,
  linkedStates: 0,
  values: 4,
  differences: 0,
  features: [{ feature: 'applicant.payment.count.30d', compared: 4, differences: 0, example: null }],
  cutOver: { at: Date.UTC(2026, 0, 1, 0, 0, 1), offsets: [6, 7] },
}

let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(1_500)
  const { inserter } = fixture.warehouse.writer()
  await inserter.insertObjects('gates', [JUDGED])
  await insertCertificates(inserter, [CERTIFICATE], CERTIFICATE.comparedAt)
}, 120_000)
afterAll(() => fixture.close())

const rows = async (sql: string): Promise<Record<string, unknown>[]> => {
  const { status, text } = await ask(fixture.url, sql, { default_format: 'JSONEachRow' })
  expect(status, text).toBe(200)
  return text
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
const answer = (number: number): Promise<Record<string, unknown>[]> => rows(queries.find((query) => query.number === number)?.sql ?? '')

it('the guide has twenty-two numbered queries, and no other SQL that is not tested', () => {
  expect(queries.map(({ number }) => number)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1))
  expect(guide.match(/```sql/g)).toHaveLength(22)
})

describe('every query of the guide answers', () => {
  it.each(queries)('$number. $title', async ({ sql }) => {
    const found = await rows(sql)
    expect(found.length).toBeGreaterThan(0)
    // A column in which nothing is known was misspelt in a JSON path, or joined to nothing.
    for (const column of Object.keys(found[0] ?? {}).filter((name) => !['rule_hit', 'parent', 'value'].includes(name)))
      expect(
        found.some((row) => row[column] !== null && row[column] !== ''),
        column,
      ).toBe(true)
  })
})

describe('and answers right', () => {
  it('AUC, Gini, KS and Brier equal an independent computation on the same rows', async () => {
    const scored = await rows('SELECT probability, label FROM decisions_with_outcomes WHERE in_training = 0 AND matured')
    const [quality] = await rows('SELECT * FROM holdout_quality')
    const bad = scored.filter(({ label }) => label === 1).map(({ probability }) => probability as number)
    const good = scored.filter(({ label }) => label === 0).map(({ probability }) => probability as number)
    expect(Math.min(bad.length, good.length)).toBeGreaterThan(30)
    // Mann–Whitney by counting every pair; Kolmogorov–Smirnov over every threshold.
    let wins = 0
    for (const b of bad) for (const g of good) wins += b > g ? 1 : b === g ? 0.5 : 0
    const auc = wins / (bad.length * good.length)
    const share = (of: readonly number[], at: number): number => of.filter((one) => one <= at).length / of.length
    const ks = Math.max(...[...bad, ...good].map((at) => Math.abs(share(bad, at) - share(good, at))))
    const brier = scored.reduce((sum, row) => sum + ((row['probability'] as number) - (row['label'] as number)) ** 2, 0) / scored.length
    expect(quality?.['n']).toBe(scored.length)
    expect(quality?.['auc']).toBeCloseTo(auc, 12)
    expect(quality?.['gini']).toBeCloseTo(2 * auc - 1, 12)
    expect(quality?.['ks']).toBeCloseTo(ks, 12)
    expect(quality?.['brier']).toBeCloseTo(brier, 12)
    expect(auc).toBeGreaterThan(0.6)
  })

  it('nothing is lost, contradicted or doubled, and the chain holds', async () => {
    const { applications } = fixture.portfolio
    expect(await answer(17)).toEqual([{ applications, decided: applications, lost: 0, conflicting: 0, repeated: 0 }])
    expect((await answer(20)).map(({ broken }) => broken)).toEqual([0, 0, 0, 0])
  })

  it('each view counts each decision once, repeats or not', async () => {
    const { applications } = fixture.portfolio
    const { inserter, connection } = fixture.warehouse.writer()
    const before = await answer(1)
    await connection.query(`INSERT INTO scorestream.decisions SELECT * FROM scorestream.decisions LIMIT 500`)
    await connection.query(`INSERT INTO scorestream.outcomes SELECT * FROM scorestream.outcomes LIMIT 500`)
    expect(inserter).toBeDefined()
    expect(await answer(1)).toEqual(before)
    for (const [view, count] of [
      ['decisions_latest', 'count()'],
      ['decisions_with_outcomes', 'count()'],
      ['daily_portfolio', 'sum(applications)'],
      ['score_bands', 'sum(applications)'],
      ['features_long', 'uniqExact(decision_id, position) = count() ? uniqExact(decision_id) : 0'],
      ['approval_by_segment', `sumIf(applications, dimension = 'product')`],
      ['latency_by_stage', `sumIf(decisions, stage_name = 'total')`],
    ])
      expect(await rows(`SELECT ${count} AS n FROM ${view}`), view).toEqual([{ n: applications }])
  })

  it('reasons add up within float32', async () => {
    const [sums] = await answer(14)
    expect(sums?.['largest_gap_in_float32'] as number).toBeLessThan(1e-4)
  })

  it('every feature of the vector has its name', async () => {
    expect(
      await rows(`SELECT countIf(feature = '') AS unnamed, uniqExact(feature) = uniqExact(position) AS distinct FROM features_long`),
    ).toEqual([{ unnamed: 0, distinct: 1 }])
  })
})
