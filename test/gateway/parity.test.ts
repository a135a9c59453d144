/** The parity meter through the guarded SQL port: what a reader of the warehouse may run, over demo events scored by the real fold. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { partsOf } from '#features/set-parts.ts'
import { measureParity } from '#streams/clickhouse/parity.ts'
import { ask, openSqlFixture, type SqlFixture } from './support/sql-fixture.ts'

const CLIENTS = 300
let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(CLIENTS)
})
afterAll(() => fixture.close())

const parityOf = (sample: number, falsify: (row: { ask: string; features: (number | null)[] }) => void = () => {}) =>
  measureParity({
    featureSet: partsOf(creditFeatureSet),
    database: 'scorestream',
    sample,
    seed: 1,
    rows: async (sql) => {
      const { status, text } = await ask(fixture.url, sql, { default_format: 'JSON', database: 'scorestream' })
      expect(status, text.slice(0, 500)).toBe(200)
      const { data } = JSON.parse(text) as { data: { ask: string; features: (number | null)[] }[] }
      if (sql.startsWith('SELECT')) for (const row of data) falsify(row)
      return data
    },
  })

test('every feature of every decision is what ClickHouse makes of the raw events', { timeout: 60_000 }, async () => {
  const report = await parityOf(10_000)
  expect(report.examples).toEqual([])
  expect(report).toMatchObject({ decisions: CLIENTS, values: CLIENTS * 70, mismatches: 0, mismatchRate: 0 })
})

test('a sample is as large as asked for, and a planted fault is found and named', { timeout: 60_000 }, async () => {
  const place = creditFeatureSet.features.findIndex(({ name }) => name === 'applicant.statement.event.count.6mo')
  const report = await parityOf(50, ({ features }) => {
    features[place] = (features[place] ?? 0) + 1
  })
  expect(report).toMatchObject({ decisions: 50, values: 50 * 70, mismatches: 50 })
  expect(report.mismatchRate).toBeCloseTo(1 / 70, 12)
  expect(new Set(report.examples.map(({ feature }) => feature))).toEqual(new Set(['applicant.statement.event.count.6mo']))
})
