/** Monitoring as the warehouse process puts it together, over a real log and a real warehouse. */
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeAlert } from '#schemas/monitoring-wire.ts'
import { clickhouseInstant } from '#streams/clickhouse/facts.ts'
import type { OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { silentLogger } from '#streams/logger.ts'
import { findingPublisher } from '../../cli/finding-publisher.ts'
import { startMonitoring } from '../../cli/monitoring.ts'
import { TableMonitor } from '../../cli/table-monitor.ts'
import { auc } from '../../training/metrics/auc.ts'
import { UNIT_CHANGE } from '../schemas/sample-monitoring.ts'
import { encodeAlert } from '#schemas/monitoring-wire.ts'
import { openFilled } from '../streams/support/filled-warehouse.ts'
import { appendPortfolio, openTestDirectory } from '../streams/support/warehouse-fixture.ts'
import { settings } from './watched-stream.ts'

const CLIENTS = 12_000
const folder = openTestDirectory()
let warehouse: OpenWarehouse
const rows = <Row>(sql: string) => warehouse.writer().connection.rows<Row>(sql)

const shipped = join(import.meta.dirname, '../../models/credit')
const modelsDir = join(folder.directory, 'models')

beforeAll(async () => {
  // The shipped bundle lends its reference to the portfolio's model, credit@test.
  mkdirSync(join(modelsDir, 'credit/test'), { recursive: true })
  cpSync(
    join(shipped, readFileSync(join(shipped, 'champion'), 'utf8').trim(), 'manifest.json'),
    join(modelsDir, 'credit/test/manifest.json'),
  )
  await appendPortfolio(folder.log, CLIENTS)
  warehouse = await openFilled(folder.directory, folder.log)
  const recorded_at = clickhouseInstant(Date.now())
  const clients = Array.from({ length: CLIENTS }, (_, client) => `tw-${String(client + 1).padStart(5, '0')}`)
  await warehouse.writer().inserter.insertObjects(
    'protected',
    clients.flatMap((applicant_id, i) => [
      { applicant_id, attribute: 'sex', value: i % 3 === 0 ? 'male' : 'female', sequence: 2 * i, recorded_at },
      { applicant_id, attribute: 'birthYear', value: String(1940 + (i % 45)), sequence: 2 * i + 1, recorded_at },
    ]),
  )
}, 120_000)
afterAll(async () => {
  await warehouse.close()
  await folder.remove()
})

describe('the fold over the logs', () => {
  const run = async (): Promise<void> => {
    const running = startMonitoring({
      log: folder.log,
      tables: warehouse,
      dataDir: folder.directory,
      modelsDir,
      settings: settings({ drift: { windowDecisions: 1_000 } }),
      publish: findingPublisher(folder.log),
      logger: silentLogger,
    })
    while (running.status().lag > 0) await sleep(20)
    running.stop()
    await running.done
  }
  const found = async () => ({
    drift: await rows('SELECT * FROM scorestream.drift FINAL ORDER BY ALL'),
    quality: await rows('SELECT * FROM scorestream.data_quality FINAL ORDER BY ALL'),
  })

  test('fills the tables; run again from its checkpoint, or from nothing, it writes the same rows', { timeout: 60_000 }, async () => {
    await run()
    const first = await found()
    expect(first.drift.length).toBeGreaterThan(1_000)
    expect(first.quality.length).toBeGreaterThan(100)
    await run()
    expect(await found()).toEqual(first)
    rmSync(join(folder.directory, 'warehouse', 'monitoring.checkpoint'))
    await run()
    expect(await found()).toEqual(first)
    const [all] = await rows<{ n: number }>('SELECT toUInt32(count()) AS n FROM scorestream.data_quality')
    expect(all?.n).toBeGreaterThan(first.quality.length)
  })
})

describe('fairness and performance', () => {
  const told = new Map<string, unknown>()
  const look = async (): Promise<TableMonitor> => {
    const monitor = new TableMonitor({
      ...warehouse.writer(),
      database: warehouse.database,
      settings: settings({ performance: { outcomesMin: 50 } }),
      aucAtFit: () => 0.8,
      tell: (key, alert) => void told.set(key, alert),
      at: () => 5,
      logger: silentLogger,
      now: () => performance.now(),
    })
    await monitor.look()
    return monitor
  }

  test('approval rates by group are those that counting one by one gives', async () => {
    await look()
    const [found] = await rows<Record<string, number>>(`
      SELECT toUnixTimestamp64Milli(window_start) AS from, toUnixTimestamp64Milli(window_end) AS to, toFloat64(value) AS value, toUInt32(n) AS n
      FROM scorestream.fairness_latest WHERE attribute = 'sex' AND group = 'male' AND metric = 'selection-rate' ORDER BY n DESC LIMIT 1`)
    const decisions = await rows<{ applicant_id: string; decision: string; at: number }>(
      'SELECT applicant_id, decision, toUnixTimestamp64Milli(event_time) AS at FROM scorestream.decisions_latest',
    )
    const men = decisions.filter(
      ({ applicant_id, at }) => at >= found!['from']! && at < found!['to']! && (Number(applicant_id.slice(3)) - 1) % 3 === 0,
    )
    expect(found!['n']).toBe(men.length)
    expect(found!['value']).toBeCloseTo(men.filter(({ decision }) => decision === 'approve').length / men.length, 12)
  })

  test('people are told apart by age band, and groups that are too small have no figure', async () => {
    const bands = await rows<{ group: string; state: string; value: number | null; n: number }>(
      "SELECT DISTINCT group, state, value, toUInt32(n) AS n FROM scorestream.fairness_latest WHERE attribute = 'age-band' AND metric = 'selection-rate'",
    )
    expect([...new Set(bands.map(({ group }) => group))].toSorted()).toEqual(['18–24', '25–39', '40–61', '62+'])
    for (const { state, value, n } of bands)
      expect([state, value === null]).toEqual(n < 100 ? ['insufficient-evidence', true] : ['ok', false])
  })

  test('AUC is that of the matured, observed outcomes of applicants the model never saw', async () => {
    const [found] = await rows<Record<string, number>>(`
      SELECT toUnixTimestamp64Milli(window_start) AS from, toUnixTimestamp64Milli(window_end) AS to, value, toUInt32(n) AS n
      FROM scorestream.performance_latest WHERE metric = 'auc' ORDER BY n DESC LIMIT 1`)
    const matured = await rows<{ probability: number; label: number }>(`
      SELECT probability, label FROM scorestream.decisions_with_outcomes
      WHERE toUnixTimestamp64Milli(event_time) >= ${found!['from']} AND toUnixTimestamp64Milli(event_time) < ${found!['to']} AND observed AND NOT in_training`)
    expect(found!['n']).toBe(matured.length)
    const exact = auc(
      matured.map(({ probability }) => probability),
      matured.map(({ label }) => label),
    )
    expect(found!['value']).toBeCloseTo(exact.value, 2)
  })

  test('a second look at unchanged tables does nothing; one from nothing writes the same', async () => {
    const count = () => rows<{ n: number }>('SELECT toUInt32(count()) AS n FROM scorestream.fairness FINAL')
    const before = await count()
    const monitor = await look()
    const all = await rows<{ n: number }>('SELECT toUInt32(count()) AS n FROM scorestream.fairness')
    await monitor.look()
    expect(await rows('SELECT toUInt32(count()) AS n FROM scorestream.fairness')).toEqual(all)
    expect(await count()).toEqual(before)
  })

  test('no group is told of without evidence', () => {
    expect([...told.keys()].some((key) => key.startsWith('performance:credit@test:'))).toBe(true)
    for (const key of told.keys()) expect(key).toMatch(/^(performance|fairness):credit@test:/)
  })
})

test('an alert told twice stands in the log once, also after a restart of the engine', async () => {
  const records = ['a', 'b'].map((alertId) => encodeAlert({ ...UNIT_CHANGE, alertId }))
  const start = folder.log.end('alerts')[0]!
  const first = findingPublisher(folder.log)
  await first('alerts', records)
  await first('alerts', records)
  await findingPublisher(folder.log)('alerts', [...records, encodeAlert({ ...UNIT_CHANGE, alertId: 'a', state: 'resolved' })])
  const held = await folder.log.read('alerts', 0, start, 1 << 20)
  const ids = held
    .map(({ value }) => decodeAlert(value))
    .map((parsed) => (parsed.kind === 'accepted' ? `${parsed.value.alertId} ${parsed.value.state}` : ''))
  expect(ids).toEqual(['a open', 'b open', 'a resolved'])
})
