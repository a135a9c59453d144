/** The parity meter over a real warehouse: rows and figures, what it looks at, and a state that is not the log's. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { partsOf } from '#features/set-parts.ts'
import { ParityMeter } from '#streams/clickhouse/parity-meter.ts'
import type { OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { silentLogger } from '#streams/logger.ts'
import { openFilled } from './support/filled-warehouse.ts'
import { appendPortfolio, openTestDirectory } from './support/warehouse-fixture.ts'

const CLIENTS = 60
const D = creditFeatureSet.size
let folder: ReturnType<typeof openTestDirectory>
let warehouse: OpenWarehouse
let now: number
beforeAll(async () => {
  folder = openTestDirectory()
  await appendPortfolio(folder.log, CLIENTS)
  warehouse = await openFilled(folder.directory, folder.log)
  now = Date.now() + 10_000
})
afterAll(async () => {
  await warehouse.close()
  await folder.remove()
})

const meter = (sample = 1_000) =>
  new ParityMeter({
    featureSet: () => partsOf(creditFeatureSet),
    database: warehouse.database,
    ...warehouse.writer(),
    sample,
    everyMs: 1_000,
    logger: silentLogger,
    now: () => now,
  })
const rows = () =>
  warehouse
    .writer()
    .connection.rows<object>(
      `SELECT decisions, values, mismatches, mismatch_rate AS rate, examples.feature AS features FROM ${warehouse.database}.parity FINAL ORDER BY measured_at`,
    )

test('a measurement leaves a row and figures; what was looked at is not looked at again; a restart reads its figures back', async () => {
  const one = meter()
  await one.measure()
  expect(one.figures()).toEqual({ decisions: CLIENTS, values: CLIENTS * D, mismatches: 0, rate: 0 })
  expect(await rows()).toEqual([{ decisions: CLIENTS, values: CLIENTS * D, mismatches: 0, rate: 0, features: [] }])
  now += 10_000
  expect(await one.measure()).toBeUndefined()
  expect(await rows()).toHaveLength(1)
  const again = meter(7)
  now += 10_000
  await again.measure()
  expect(again.figures()).toEqual({ decisions: CLIENTS + 7, values: (CLIENTS + 7) * D, mismatches: 0, rate: 0 })
})

test('a decision scored on another state than the log’s is found, named, and kept in the figures', async () => {
  const { connection } = warehouse.writer()
  const { database } = warehouse
  // The row of a decision is replaced by one with another vector, as if its state had been damaged.
  await connection.query(
    `INSERT INTO ${database}.decisions SELECT * REPLACE (arrayMap((value, i) -> if(i = 1, value + 1, value), features, arrayEnumerate(features)) AS features, fromUnixTimestamp64Milli(${now + 5_000}) AS decided_at, concat(decision_id, 'x') AS decision_id) FROM ${database}.decisions LIMIT 1`,
  )
  const one = meter()
  now += 10_000
  const report = await one.measure()
  expect(report).toMatchObject({ mismatches: 1, examples: [{ feature: creditFeatureSet.features[0]!.name }] })
  expect(one.figures().rate).toBeGreaterThan(0)
  expect((await rows()).at(-1)).toMatchObject({ mismatches: 1, features: [creditFeatureSet.features[0]!.name] })
})
