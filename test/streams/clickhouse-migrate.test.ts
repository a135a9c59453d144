import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChdbEngine, type ChdbConnection } from '#streams/clickhouse/chdb-engine.ts'
import { migrate, readMigrations, statementsOf, type Migration } from '#streams/clickhouse/migrate.ts'
import { render } from '#streams/clickhouse/template.ts'

const folder = mkdtempSync(join(tmpdir(), 'scorestream-migrate-'))
let engine: ChdbEngine
let connection: ChdbConnection
beforeAll(() => {
  engine = new ChdbEngine(folder)
  connection = engine.connect()
})
afterAll(async () => {
  await connection.close()
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Every table of the contract, and those that monitoring and retraining add. */
const TABLES = [
  'events',
  'decisions',
  'outcomes',
  'protected',
  'drift',
  'fairness',
  'performance',
  'slo',
  'models',
  'promotions',
  'gates',
  'feature_dictionary',
  'feature_set_changes',
  'dead_letters',
  'revisions',
  'parity',
  'reconciliation',
  'alerts',
  'data_quality',
  'alert_judgements',
]

const shipped = readMigrations()
const added = (name: string, sql: string): Migration => ({ name, sql, checksum: `checksum of ${sql}` })

describe('migrations', () => {
  it('are applied once, in order, and recorded with their checksums', async () => {
    // A crash in the middle of a file: some of its statements took effect, nothing is recorded.
    await connection.query('CREATE DATABASE IF NOT EXISTS scorestream')
    const [first] = statementsOf(shipped[0]?.sql ?? '')
    await connection.query(render(first ?? '', { database: 'scorestream', cluster: null }))
    expect(await migrate(connection)).toEqual(shipped.map(({ name }) => name))
    expect(await migrate(connection)).toEqual([])
    const recorded = await connection.rows<{ name: string; checksum: string }>(
      'SELECT name, checksum FROM scorestream.migrations ORDER BY name',
    )
    expect(recorded).toEqual(shipped.map(({ name, checksum }) => ({ name, checksum })))
  })

  it('make every table of the contract, each with a comment, each column with a comment', async () => {
    const tables = await connection.rows<{ name: string; comment: string }>(
      `SELECT name, comment FROM system.tables WHERE database = 'scorestream' AND engine LIKE '%MergeTree' AND name != 'migrations'`,
    )
    expect(tables.map(({ name }) => name).toSorted()).toEqual(TABLES.toSorted())
    expect(tables.filter(({ comment }) => comment === '')).toEqual([])
    const bare = await connection.rows(
      `SELECT table, name FROM system.columns WHERE database = 'scorestream' AND comment = '' AND table IN (SELECT name FROM system.tables WHERE database = 'scorestream' AND engine LIKE '%MergeTree' AND name != 'migrations')`,
    )
    expect(bare).toEqual([])
    const views = await connection.rows<{ comment: string }>(
      `SELECT comment FROM system.tables WHERE database = 'scorestream' AND engine = 'View'`,
    )
    expect(views.length).toBeGreaterThan(10)
    expect(views.filter(({ comment }) => comment === '')).toEqual([])
  })

  it('a file changed after it was applied is refused', async () => {
    const changed = shipped.map((one, i) => (i === 0 ? { ...one, checksum: 'other' } : one))
    await expect(migrate(connection, changed)).rejects.toThrow('migrations are never changed')
  })

  it('a warehouse of a later version is refused', async () => {
    expect(
      await migrate(connection, [
        ...shipped,
        added('9000-later', `CREATE TABLE {{database}}.later (a Int8) ENGINE = {{merge_tree}} ORDER BY a`),
      ]),
    ).toEqual(['9000-later'])
    await expect(migrate(connection)).rejects.toThrow('which this version does not know')
  })

  it('the same files give replicated tables on a cluster', () => {
    for (const { sql } of shipped) {
      const rendered = render(sql, { database: 'scorestream', cluster: 'main' })
      expect(rendered).not.toContain('{{')
      for (const statement of statementsOf(rendered)) {
        expect(statement).toContain('ON CLUSTER main')
        if (statement.includes('CREATE TABLE'))
          expect(statement).toMatch(
            /ENGINE = Replicated\w*MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'(?:, \w+)?\)/,
          )
      }
    }
  })

  it('an unknown placeholder or schema field is refused', () => {
    const topology = { database: 'd', cluster: null }
    expect(() => render('{{nothing}}', topology)).toThrow('unknown placeholder')
    expect(() => render('{{about:body.noSuchField}}', topology)).toThrow('no schema field')
  })
})
