/** One real ClickHouse server: the migrations, the sinks, and the queries of the analyst guide. `SCORESTREAM_TEST_CLICKHOUSE_URL` names it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DeadLetterSink, DecisionSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { ClickHouseServerSettings } from '#streams/clickhouse/server-settings.ts'
import { openServerWarehouse, type ServerWarehouse } from '#streams/clickhouse/server-warehouse.ts'
import { Sink } from '#streams/clickhouse/sink.ts'
import { silentLogger } from '#streams/logger.ts'
import { appendPortfolio, openTestDirectory, type Portfolio } from '../streams/support/warehouse-fixture.ts'

const url = process.env['SCORESTREAM_TEST_CLICKHOUSE_URL'] ?? 'http://127.0.0.1:8123'
const password = process.env['SCORESTREAM_TEST_CLICKHOUSE_PASSWORD'] ?? ''
const folder = mkdtempSync(join(tmpdir(), 'scorestream-single-'))
const directory = openTestDirectory()
let warehouse: ServerWarehouse
let portfolio: Portfolio

beforeAll(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  const given = Value.Default(ClickHouseServerSettings, { url, username: 'scorestream', passwordFile })
  const settings = Value.Parse(ClickHouseServerSettings, given)
  warehouse = await openServerWarehouse({ settings, logger: silentLogger, signal: new AbortController().signal })
  portfolio = await appendPortfolio(directory.log, 300)
  const sinks = [new EventSink(), new DecisionSink(), new DeadLetterSink()].map(
    (sink) =>
      new Sink({
        log: directory.log,
        sink,
        ...warehouse.writer(),
        database: 'scorestream',
        logger: silentLogger,
        now: () => Date.now(),
        patience: 'waits',
      }),
  )
  const running = sinks.map((sink) => sink.run())
  while (sinks.some((sink) => sink.status().lag > 0)) await delay(50)
  for (const sink of sinks) sink.stop()
  await Promise.all(running)
})
afterAll(async () => {
  await warehouse.close()
  await directory.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('every row is there once', async () => {
  const { connection } = warehouse.writer()
  expect(await connection.rows('SELECT count() AS n, uniqExact((partition, offset)) AS positions FROM scorestream.events')).toEqual([
    { n: portfolio.events, positions: portfolio.events },
  ])
})

const guide = readFileSync(join(import.meta.dirname, '../../docs/analyst-guide.md'), 'utf8')
test.for([...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => sql))('the guide’s query runs: %s', async (sql) => {
  const response = await fetch(`${url}/?database=scorestream`, {
    method: 'POST',
    body: sql,
    headers: { 'X-ClickHouse-User': 'scorestream', 'X-ClickHouse-Key': password },
  })
  expect(await response.text()).not.toMatch(/DB::Exception/)
  expect(response.status).toBe(200)
})
