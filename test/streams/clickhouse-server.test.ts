/** The warehouse on a server over HTTP: the same rows as embedded, through kills and absences, in order and once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asOf, readMigrations, statementsOf } from '#streams/clickhouse/migrate.ts'
import { DeadLetterSink, DecisionSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { openServerWarehouse, type ServerWarehouse } from '#streams/clickhouse/server-warehouse.ts'
import { Sink, type SinkStatus } from '#streams/clickhouse/sink.ts'
import { silentLogger } from '#streams/logger.ts'
import type { EventLog, Topic } from '#streams/ports.ts'
import { ClickHouseServer } from './support/clickhouse-server.ts'
import { appendPortfolio, openTestDirectory, type Portfolio } from './support/warehouse-fixture.ts'

const CLIENTS = 150
let server: ClickHouseServer
let test: ReturnType<typeof openTestDirectory>
let portfolio: Portfolio
beforeEach(async () => {
  server = new ClickHouseServer()
  test = openTestDirectory()
  portfolio = await appendPortfolio(test.log, CLIENTS)
  await server.start()
})
afterEach(async () => {
  await server.remove()
  await test.remove()
})

const open = (): Promise<ServerWarehouse> =>
  openServerWarehouse({ settings: server.settings(), logger: silentLogger, signal: new AbortController().signal })

const sinksInto = (warehouse: ServerWarehouse, log: EventLog = test.log): Sink[] =>
  [new EventSink(), new DecisionSink(), new DeadLetterSink()].map(
    (sink) =>
      new Sink({
        log,
        sink,
        ...warehouse.writer(),
        database: warehouse.database,
        logger: silentLogger,
        now: () => Date.now(),
        patience: 'waits',
      }),
  )

const until = async (reached: () => boolean): Promise<void> => {
  while (!reached()) await delay(10)
}
const inserted = (sinks: readonly Sink[]): Record<string, number> =>
  Object.assign({}, ...sinks.map((sink) => sink.status().rows)) as Record<string, number>

const whole = async (): Promise<void> => {
  expect(await server.ask('SELECT count() AS rows, uniqExact((partition, offset)) AS positions FROM events')).toEqual([
    { rows: portfolio.events, positions: portfolio.events },
  ])
  expect(await server.ask('SELECT count() AS rows, uniqExact((partition, offset)) AS positions FROM decisions')).toEqual([
    { rows: portfolio.applications, positions: portfolio.applications },
  ])
  expect(await server.ask('SELECT count() AS rows FROM outcomes_latest')).toEqual([{ rows: portfolio.outcomes }])
  expect(
    await server.ask('SELECT sum(lost) AS lost, sum(conflicting) AS conflicting, sum(decided) AS decided FROM reconciliation_now'),
  ).toEqual([{ lost: 0, conflicting: 0, decided: portfolio.applications }])
}

describe('a server', { timeout: 150_000 }, () => {
  it('gets every row once, and a second sink resumes behind the highest', async () => {
    const warehouse = await open()
    expect(warehouse.migrated).toEqual(readMigrations().map(({ name }) => name))
    for (const patience of ['first', 'second']) {
      const sinks = sinksInto(warehouse)
      const running = sinks.map((sink) => sink.run())
      await until(() => sinks.every((sink) => sink.status().lag === 0))
      for (const sink of sinks) sink.stop()
      await Promise.all(running)
      expect(inserted(sinks)).toEqual(
        patience === 'first' ? { events: portfolio.events, decisions: portfolio.applications, outcomes: portfolio.outcomes } : {},
      )
    }
    await whole()
    await warehouse.close()
    const again = await open()
    expect(again.migrated).toEqual([])
    await again.close()
  })

  it('killed again and again in the middle of inserts, has every row once when it is left alone', async () => {
    const warehouse = await open()
    const sinks = sinksInto(warehouse)
    const running = sinks.map((sink) => sink.run())
    for (let kill = 0; kill < 3; kill++) {
      const before = inserted(sinks)['events'] ?? 0
      await Promise.race([until(() => (inserted(sinks)['events'] ?? 0) > before), delay(1_500)])
      await server.kill()
      await delay(200)
      await server.start()
    }
    await until(() => sinks.every((sink) => sink.status().lag === 0))
    for (const sink of sinks) sink.stop()
    await Promise.all(running)
    await whole()
    await warehouse.close()
  })

  it('away, only lets the lag grow: one block is held, nothing is released, and all follows in order once it is back', async () => {
    const released = new Map<Topic, readonly number[]>()
    const reads: number[] = []
    const log: EventLog = new Proxy<EventLog>(test.log, {
      get: (target, name) => {
        if (name === 'release') return (topic: Topic, _consumer: string, offsets: readonly number[]) => void released.set(topic, offsets)
        if (name === 'read')
          return (...given: Parameters<EventLog['read']>) => {
            if (given[0] === 'credit-events') reads.push(given[2])
            return target.read(...given)
          }
        const value = Reflect.get(target, name) as unknown
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const warehouse = await open()
    await server.kill()
    const sinks = sinksInto(warehouse, log)
    const [events] = sinks as [Sink]
    const running = sinks.map((sink) => sink.run())
    await until(() => sinks.every((sink) => sink.status().away !== null))
    const before = events.status()
    expect(before.away?.reason).toMatch(/ECONNREFUSED/)
    await appendPortfolio(test.log, 50)
    await delay(300)
    // What waits is in the log and nowhere else: away before the first row, nothing was read at all.
    expect(reads).toEqual([])
    expect(events.status().lag).toBeGreaterThan(before.lag)
    expect(released).toEqual(new Map())
    await server.start()
    await until(() => sinks.every((sink) => sink.status().lag === 0))
    for (const sink of sinks) sink.stop()
    await Promise.all(running)
    expect(sinks.map((sink): SinkStatus['away'] => sink.status().away)).toEqual([null, null, null])
    expect(released.get('credit-events')).toEqual(test.log.end('credit-events'))
    const [order] = await server.ask<{ disordered: number }>(
      'SELECT countIf(offset != expected) AS disordered FROM (SELECT offset, row_number() OVER (PARTITION BY partition ORDER BY offset) - 1 AS expected FROM events)',
    )
    expect(order).toEqual({ disordered: 0 })
    await warehouse.close()
  })

  it('that is away while an engine ends holds nobody up', async () => {
    const warehouse = await open()
    await server.kill()
    const sinks = sinksInto(warehouse)
    const running = sinks.map((sink) => sink.run())
    await until(() => sinks.every((sink) => sink.status().away !== null))
    for (const sink of sinks) sink.stop()
    await Promise.all(running)
    await warehouse.close()
    const gone = new AbortController()
    const opening = openServerWarehouse({ settings: server.settings(), logger: silentLogger, signal: gone.signal })
    gone.abort()
    await expect(opening).rejects.toThrow('aborted')
  })

  it('that refuses says so at once, and a secret that others may read is not used', async () => {
    const signal = new AbortController().signal
    const refused = openServerWarehouse({ settings: server.settings({}, 'wrong'), logger: silentLogger, signal })
    await expect(refused).rejects.toThrow(/Authentication failed/)
    const reader = openServerWarehouse({ settings: server.settings({ username: 'analyst' }, 'reads-only'), logger: silentLogger, signal })
    await expect(reader).rejects.toThrow(/readonly/i)
    const open = server.settings({ passwordFile: import.meta.filename })
    await expect(openServerWarehouse({ settings: open, logger: silentLogger, signal })).rejects.toThrow(/chmod 600/)
  })
})

describe('on a cluster', () => {
  const topology = { database: 'scorestream', cluster: 'main' }
  const statements = readMigrations().flatMap(({ sql }) => statementsOf(sql).flatMap((statement) => asOf(statement, topology)))

  it('every statement of the migrations is one that the engine’s parser understands', async () => {
    const warehouse = await open()
    const { connection } = warehouse.writer()
    for (const statement of statements) {
      const [row] = await connection.rows<{ formatted: string }>(
        `SELECT formatQuerySingleLine('${statement.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}') AS formatted`,
      )
      expect(row?.formatted).toContain('ON CLUSTER main')
    }
    await warehouse.close()
  })

  it('so is every statement that makes roles, limits and quotas', async () => {
    const warehouse = await open()
    const { connection } = warehouse.writer()
    const access = statementsOf(readFileSync(join(import.meta.dirname, '../../deploy/clickhouse/access.sql'), 'utf8'))
    expect(access.length).toBeGreaterThan(8)
    for (const statement of access)
      await connection.rows(`SELECT formatQuerySingleLine('${statement.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}') AS formatted`)
    await warehouse.close()
  })

  it('each table is replicated on its shard, and distributed so that a partition of the log lives in one place', () => {
    const created = (name: string): string =>
      statements.find((one) => one.includes(`CREATE TABLE IF NOT EXISTS scorestream.${name} `)) ?? ''
    expect(created('events_local')).toMatch(/ENGINE = ReplicatedReplacingMergeTree\('\/clickhouse\/tables\/\{shard\}/)
    expect(created('decisions_local')).toMatch(/ReplicatedReplacingMergeTree\(.*, epoch\)/)
    for (const [table, key] of [
      ['events', 'partition'],
      ['decisions', 'partition'],
      ['outcomes', 'partition'],
      ['dead_letters', 'log_partition'],
      ['reconciliation', 'partition'],
      ['protected', 'cityHash64(applicant_id, attribute)'],
    ] as const)
      expect(created(table)).toMatch(
        new RegExp(
          `AS scorestream\\.${table}_local\\s+ENGINE = Distributed\\(main, scorestream, ${table}_local, ${key.replaceAll(/[()]/g, '\\$&')}\\)`,
        ),
      )
    expect(
      statements.filter((one) => one.includes('ALTER TABLE scorestream.reconciliation')).map((one) => /reconciliation\w*/.exec(one)?.[0]),
    ).toEqual(['reconciliation_local', 'reconciliation'])
    expect(statements.filter((one) => /CREATE (?:OR REPLACE )?(?:TABLE|VIEW)/.test(one) && !one.includes('ON CLUSTER main'))).toEqual([])
  })
})
