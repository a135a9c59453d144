/** Every way known to us to the protected attributes through the SQL port, tried on the real engine. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, openSqlFixture, SECRET, type SqlFixture } from './support/sql-fixture.ts'

let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(40)
})
afterAll(() => fixture.close())

const refused = async (sql: string, query: Readonly<Record<string, string>> = {}): Promise<void> => {
  const { status, text } = await ask(fixture.url, sql, query)
  expect(text).not.toContain(SECRET)
  expect(status, `${sql}\n${text}`).toBeGreaterThanOrEqual(400)
  expect(text).toMatch(/^Code: \d+\. DB::Exception: /)
}

it('the value is there to be found, for whoever holds the engine itself', async () => {
  const { connection } = fixture.warehouse.writer()
  expect(await connection.rows('SELECT value FROM scorestream.protected')).toEqual([{ value: SECRET }])
})

describe('protected attributes are out of reach', () => {
  it.each([
    `SELECT * FROM protected`,
    `SELECT * FROM scorestream.protected`,
    'SELECT * FROM `scorestream`.`protected`',
    `SELECT * FROM "protected" FINAL`,
    `FROM protected SELECT *`,
    `(SELECT value FROM protected)`,
    `SELECT (SELECT any(value) FROM protected)`,
    `SELECT * FROM (SELECT * FROM protected)`,
    `WITH p AS (SELECT * FROM protected) SELECT * FROM p`,
    `SELECT * FROM view(SELECT * FROM protected)`,
    `SELECT * FROM viewIfPermitted(SELECT * FROM protected ELSE null('a Int8'))`,
    `SELECT * FROM merge('scorestream', '.*')`,
    `SELECT * FROM merge('scorestream', '^prot')`,
    `SELECT * FROM merge(REGEXP('score.*'), 'protec')`,
    `SELECT * FROM merge('protected')`,
    `SELECT * FROM loop(scorestream.protected) LIMIT 1`,
    `SELECT * FROM loop('scorestream', 'protected') LIMIT 1`,
    `SELECT * FROM mergeTreeIndex('scorestream', 'protected')`,
    `SELECT * FROM mergeTreeIndex(scorestream, protected)`,
    `SELECT * FROM mergeTreeProjection('scorestream', 'protected', 'p')`,
    `SELECT * FROM mergeTreeAnalyzeIndexes('scorestream', 'protected', 1)`,
    `SELECT * FROM mergeTreeTextIndex('scorestream', 'protected', 'x')`,
    `SELECT * FROM eval('SELECT * FROM protected')`,
    `SELECT * FROM fuzzQuery('SELECT * FROM protected')`,
    `SELECT * FROM remote('127.0.0.1', 'scorestream.protected')`,
    `SELECT * FROM remote('127.0.0.1', scorestream, protected)`,
    `SELECT * FROM clusterAllReplicas('default', scorestream.protected)`,
    `SELECT * FROM dictionary('scorestream.protected')`,
    `SELECT dictGet('scorestream.protected', 'value', 'tw-00001')`,
    `SELECT joinGet('scorestream.protected', 'value', 'tw-00001')`,
    `SELECT joinGetOrNull(scorestream.protected, 'value', 'tw-00001')`,
    `SELECT hasColumnInTable('scorestream', 'protected', 'value')`,
    `SELECT 'tw-00001' IN protected`,
    `SELECT * FROM decisions WHERE (applicant_id, 'sex') IN scorestream.protected`,
    `SELECT d.decision, p.value FROM decisions AS d JOIN protected AS p ON p.applicant_id = d.applicant_id`,
    `SELECT d.decision, p.value FROM decisions AS d, scorestream.protected AS p`,
    `SELECT * FROM decisions AS d ANY LEFT JOIN (SELECT * FROM protected) AS p USING applicant_id`,
    `EXPLAIN SELECT * FROM protected`,
    `EXPLAIN ESTIMATE SELECT * FROM protected`,
    `EXPLAIN indexes = 1 SELECT * FROM protected WHERE applicant_id = 'tw-00001'`,
    `SELECT * FROM (EXPLAIN SELECT * FROM protected)`,
    `DESCRIBE TABLE protected`,
    `SHOW CREATE TABLE protected`,
    `SHOW CREATE TABLE scorestream.protected`,
    `EXISTS TABLE scorestream.protected`,
    `SELECT _part FROM protected`,
    `SELECT * FROM scorestream.protected AS decisions`,
    `SELECT protected.* FROM protected`,
    `SELECT * FROM system.parts WHERE table = 'protected'`,
    `SELECT * FROM system.parts_columns`,
    `SELECT * FROM system.projection_parts`,
    `SELECT * FROM system.processes`,
    `SELECT 1 IN system.processes`,
    `SHOW PROCESSLIST`,
    `SHOW GRANTS`,
    `SELECT query FROM system.query_cache`,
    `SELECT * FROM system.dictionaries`,
    `SELECT * FROM system.text_log`,
    `SELECT * FROM scorestream.migrations`,
    `SELECT 'x' AS "a\n  TableIdentifier decisions" FROM protected`,
    `SELECT value AS "(alias" FROM protected`,
  ])('%s', (sql) => refused(sql))

  it('a table name given as a parameter is judged by the table it names', async () => {
    await refused('SELECT * FROM {t:Identifier}', { param_t: 'protected' })
    await refused('SELECT * FROM scorestream.{t:Identifier}', { param_t: 'protected' })
    await refused('SELECT 1 IN {t:Identifier}', { param_t: 'protected' })
    expect((await ask(fixture.url, 'SELECT count() > 0 FROM {t:Identifier}', { param_t: 'decisions' })).text).toBe('1\n')
  })

  it('another current database opens no way to it', async () => {
    await refused('SELECT * FROM processes', { database: 'system' })
    await refused('SELECT 1', { database: 'information_schema' })
    await refused('SELECT 1', { database: 'scorestream`; DROP TABLE decisions' })
  })

  it('no view reads it', async () => {
    const { text } = await ask(
      fixture.url,
      `SELECT name FROM system.tables WHERE database = 'scorestream' AND engine = 'View' AND position(as_select, 'protected') > 0`,
    )
    expect(text).toBe('')
  })
})
