/** The cluster mode on deploy/clickhouse/cluster.compose.yaml: replication, distribution, a lost replica, roles and quotas, on real servers. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { statementsOf } from '#streams/clickhouse/migrate.ts'
import { DecisionSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { ClickHouseServerSettings, type ServerSettings } from '#streams/clickhouse/server-settings.ts'
import { openServerWarehouse, type ServerWarehouse } from '#streams/clickhouse/server-warehouse.ts'
import { Sink } from '#streams/clickhouse/sink.ts'
import { silentLogger } from '#streams/logger.ts'
import { appendPortfolio, openTestDirectory } from '../streams/support/warehouse-fixture.ts'

const COMPOSE = join(import.meta.dirname, '../../deploy/clickhouse/cluster.compose.yaml')
const NODES = [18_123, 18_124, 18_125, 18_126]
const folder = mkdtempSync(join(tmpdir(), 'scorestream-cluster-'))
const directory = openTestDirectory()
const signal = new AbortController().signal
let warehouse: ServerWarehouse

const compose = (...args: string[]): void => {
  const { status, stderr } = spawnSync('docker', ['compose', '-f', COMPOSE, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

const ask = async (port: number, sql: string, user = 'admin', password = 'cluster-test'): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/?database=scorestream`, {
    method: 'POST',
    body: sql,
    headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
  })
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(text)
  return text
}

const settings = (): ServerSettings => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'cluster-test\n', { mode: 0o600 })
  const given = { url: `http://127.0.0.1:${NODES[0]}`, username: 'admin', passwordFile, cluster: 'main' }
  return Value.Parse(ClickHouseServerSettings, Value.Default(ClickHouseServerSettings, given))
}

const fill = async (): Promise<void> => {
  const sinks = [new EventSink(), new DecisionSink()].map(
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
}

beforeAll(async () => {
  compose('up', '--detach', '--wait')
  for (const port of NODES)
    for (const statement of statementsOf(readFileSync(join(import.meta.dirname, '../../deploy/clickhouse/access.sql'), 'utf8')))
      await ask(port, statement).catch((error: unknown) => {
        // The tables a role is kept from exist after the migrations; the role itself is made before.
        if (!String(error).includes('UNKNOWN_TABLE')) throw error
      })
  warehouse = await openServerWarehouse({ settings: settings(), logger: silentLogger, signal })
})
afterAll(async () => {
  await warehouse?.close()
  compose('down', '--volumes')
  await directory.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('every row is on its shard once and on both replicas, and every node answers for the whole', async () => {
  const { events, applications } = await appendPortfolio(directory.log, 200)
  await fill()
  for (const port of NODES) {
    await ask(port, 'SYSTEM SYNC REPLICA scorestream.events_local')
    expect(await ask(port, 'SELECT count(), uniqExact((partition, offset)) FROM events')).toBe(`${events}\t${events}`)
    expect(await ask(port, 'SELECT count() FROM decisions_latest')).toBe(String(applications))
  }
  const [first, second, third] = await Promise.all(NODES.map((port) => ask(port, 'SELECT groupUniqArray(partition) FROM events_local')))
  expect(JSON.parse(first ?? '').toSorted()).toEqual(JSON.parse(second ?? '').toSorted())
  const shared = (JSON.parse(first ?? '[]') as number[]).filter((partition) => (JSON.parse(third ?? '[]') as number[]).includes(partition))
  expect(shared).toEqual([])
})

test('the views join what is distributed', async () => {
  expect(
    await ask(
      NODES[2] as number,
      "SELECT sum(lost), sum(conflicting) FROM reconciliation_now SETTINGS distributed_product_mode = 'global'",
    ),
  ).toBe('0\t0')
})

test('without a quorum rows wait in the log, and follow once the replica is back', async () => {
  compose('stop', 'node-1-2', 'node-2-2')
  const { events } = await appendPortfolio(directory.log, 50)
  const before = Number(await ask(NODES[0] as number, 'SELECT uniqExact((partition, offset)) FROM events'))
  const filling = fill()
  await delay(3_000)
  expect(Number(await ask(NODES[0] as number, 'SELECT uniqExact((partition, offset)) FROM events'))).toBe(before)
  compose('start', 'node-1-2', 'node-2-2')
  await filling
  expect(await ask(NODES[0] as number, 'SELECT uniqExact((partition, offset)) FROM events')).toBe(String(before + events))
})

test('an analyst reads decisions, not the vault’s mirror, writes nothing, and has a quota', async () => {
  const port = NODES[0] as number
  await ask(port, "CREATE USER OR REPLACE eve IDENTIFIED WITH sha256_password BY 'eve' DEFAULT ROLE scorestream_analyst")
  await ask(port, 'GRANT scorestream_analyst TO eve')
  expect(Number(await ask(port, 'SELECT count() FROM decisions_local', 'eve', 'eve'))).toBeGreaterThan(0)
  await expect(ask(port, 'SELECT count() FROM protected_local', 'eve', 'eve')).rejects.toThrow(/ACCESS_DENIED/)
  await expect(ask(port, 'SELECT count() FROM protected', 'eve', 'eve')).rejects.toThrow(/ACCESS_DENIED/)
  await expect(ask(port, 'TRUNCATE TABLE decisions_local', 'eve', 'eve')).rejects.toThrow(/ACCESS_DENIED|READONLY/)
  expect(await ask(port, 'SELECT quota_name FROM system.quota_usage', 'eve', 'eve')).toContain('scorestream_analyst')
})
