/** Every way known to us around a read-only SQL port, tried on the real engine over the real port. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, openSqlFixture, SECRET, type SqlFixture } from './support/sql-fixture.ts'

const FILE_SECRET = 'CONTENT-OF-A-FILE'
let fixture: SqlFixture
let file: string
let loot: string

beforeAll(async () => {
  fixture = await openSqlFixture(40)
  file = join(fixture.directory, 'secret.txt')
  loot = join(fixture.directory, 'loot.txt')
  writeFileSync(file, `${FILE_SECRET}\n`)
})
afterAll(() => fixture.close())

const refused = async (sql: string, query: Readonly<Record<string, string>> = {}): Promise<void> => {
  const filled = sql.replaceAll('$FILE', file).replaceAll('$LOOT', loot)
  const { status, text } = await ask(fixture.url, filled, query)
  expect(text).not.toContain(SECRET)
  expect(text).not.toContain(FILE_SECRET)
  expect(status, `${filled}\n${text}`).toBeGreaterThanOrEqual(400)
  expect(text).toMatch(/^Code: \d+\. DB::Exception: /)
  expect(existsSync(loot)).toBe(false)
}

describe('nothing is written, changed or controlled', () => {
  it.each([
    `INSERT INTO decisions (decision_id) VALUES ('x')`,
    `WITH x AS (SELECT 1) INSERT INTO decisions (decision_id) SELECT 'x' FROM x`,
    `CREATE TABLE t (a Int8) ENGINE = Memory`,
    `CREATE TEMPORARY TABLE t (a Int8)`,
    `CREATE FUNCTION f AS (x) -> x`,
    `CREATE VIEW v AS SELECT * FROM protected`,
    `CREATE DICTIONARY d (a UInt8) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)`,
    `DROP TABLE decisions`,
    `TRUNCATE TABLE decisions`,
    `ALTER TABLE decisions DELETE WHERE 1`,
    `DELETE FROM decisions WHERE 1`,
    `OPTIMIZE TABLE decisions FINAL`,
    `RENAME TABLE decisions TO d2`,
    `EXCHANGE TABLES decisions AND events`,
    `DETACH TABLE decisions`,
    `ATTACH TABLE decisions`,
    `SET readonly = 0`,
    `SET max_memory_usage = 0`,
    `USE system`,
    `SYSTEM STOP MERGES`,
    `SYSTEM SHUTDOWN`,
    `KILL QUERY WHERE 1`,
    `KILL MUTATION WHERE 1`,
    `GRANT ALL ON *.* TO default`,
    `CREATE USER u`,
    `BACKUP TABLE decisions TO File('x')`,
    `RESTORE TABLE decisions FROM File('x')`,
    `CHECK TABLE decisions`,
    `WATCH decisions`,
    `EXECUTE AS default SELECT 1`,
    `BEGIN TRANSACTION`,
    `MOVE ROLE a TO b`,
    `SELECT 1 SETTINGS readonly = 0`,
    `SELECT 1 SETTINGS max_execution_time = 0`,
    `SELECT 1 SETTINGS allow_ddl = 1`,
  ])('%s', (sql) => refused(sql))
})

describe('statements before one that cannot be parsed are not carried out', () => {
  it.each([
    `SELECT 1; SELECT 7 INTO OUTFILE '$LOOT'; garbage(`,
    `SELECT 7 INTO OUTFILE '$LOOT'; garbage(`,
    `SELECT 7 INTO OUTFILE '$LOOT';;; 'unclosed`,
    `SELECT 1; SELECT throwIf(1, file('$FILE')); garbage((`,
    `SELECT 1; SELECT toUInt8(file('$FILE')); garbage((`,
    `SELECT 1; SELECT throwIf(1, (SELECT any(value) FROM protected)); garbage((`,
    `SELECT 1; DROP TABLE decisions; garbage(`,
    `SELECT 1; INSERT INTO decisions (partition) VALUES (77); garbage(`,
    `SELECT 1; KILL QUERY WHERE 1; garbage(`,
  ])('%s', (sql) => refused(sql))
})

describe('one statement a request', () => {
  it.each([
    `SELECT 1; DROP TABLE decisions`,
    `SELECT 1;\n\nDROP TABLE decisions`,
    `SELECT 1; SELECT 2`,
    `SELECT 1 /* ; */; /* */ SELECT 2`,
    `SELECT 1 -- x\n; SET readonly = 0`,
    `SELECT 1 PARALLEL WITH SELECT 2`,
    `INSERT INTO decisions (decision_id) FORMAT JSONEachRow {"decision_id":"x"}\n\nDROP TABLE decisions`,
  ])('%s', (sql) => refused(sql))

  it('a semicolon inside a text, or at the very end, is no second statement', async () => {
    expect((await ask(fixture.url, `SELECT 'a; DROP TABLE x';`)).text).toBe('a; DROP TABLE x\n')
  })

  it('a text that a NUL would cut short for the engine is refused', async () => {
    await refused(`SELECT 1\0; DROP TABLE decisions`)
    expect((await fetch(`${fixture.url}/?query=SELECT%201%00`)).status).toBe(400)
  })
})

describe('files are out of reach', () => {
  it.each([
    `SELECT file('$FILE')`,
    `SELECT FILE('$FILE')`,
    `SELECT "file"('$FILE')`,
    "SELECT `file`('$FILE')",
    `SELECT file /* c */ ('$FILE')`,
    `SELECT /* file */ file\n('$FILE')`,
    `SELECT arrayMap(file, ['$FILE'])`,
    `SELECT arrayMap(x -> file(x), ['$FILE'])`,
    `SELECT arrayMap("file", ['$FILE'])`,
    `WITH x -> file(x) AS f SELECT f('$FILE')`,
    `WITH file AS f SELECT arrayMap(f, ['$FILE'])`,
    `WITH (SELECT file('$FILE')) AS f SELECT f`,
    `SELECT * APPLY file FROM (SELECT '$FILE' AS z)`,
    `SELECT * APPLY(x -> file(x)) FROM (SELECT '$FILE' AS z)`,
    `SELECT COLUMNS('z') APPLY file FROM (SELECT '$FILE' AS z)`,
    `SELECT * REPLACE (file(z) AS z) FROM (SELECT '$FILE' AS z)`,
    `SELECT number FROM numbers(3) ORDER BY number WITH FILL TO 5 INTERPOLATE (number AS file('$FILE'))`,
    `SELECT sum(length(file('$FILE'))) OVER () FROM numbers(1)`,
    `SELECT 1 ORDER BY file('$FILE')`,
    `SELECT 1 LIMIT length(file('$FILE'))`,
    `SELECT 1 WHERE file('$FILE') = ''`,
    `SELECT count() FROM numbers(1) GROUP BY file('$FILE') HAVING 1 QUALIFY 1`,
    `SELECT 1 FROM numbers(1) AS a JOIN numbers(1) AS b ON a.number = length(file('$FILE'))`,
    `SELECT 1 UNION ALL SELECT length(file('$FILE'))`,
    `SELECT 1 EXCEPT SELECT length(file('$FILE'))`,
    `EXPLAIN SELECT file('$FILE')`,
    `EXPLAIN SYNTAX SELECT file('$FILE')`,
    `EXPLAIN QUERY TREE SELECT file('$FILE')`,
    `DESCRIBE (SELECT file('$FILE'))`,
    `DESCRIBE file('$FILE', 'CSV')`,
    `SHOW TABLES WHERE file('$FILE') != ''`,
    `SHOW COLUMNS FROM decisions WHERE file('$FILE') != ''`,
    `SELECT * FROM file('$FILE', 'LineAsString')`,
    `SELECT * FROM '$FILE'`,
    `SELECT * FROM fileCluster('default', '$FILE')`,
    `SELECT * FROM filesystem('/')`,
    `SELECT * FROM view(SELECT file('$FILE'))`,
    `SELECT 1 INTO OUTFILE '$LOOT'`,
    `SELECT 1 INTO OUTFILE '$LOOT' TRUNCATE FORMAT CSV`,
    `SELECT 1 INTO OUTFILE '$LOOT' COMPRESSION 'gzip'`,
    `(SELECT 1) INTO OUTFILE '$LOOT'`,
    `EXPLAIN SELECT 1 INTO OUTFILE '$LOOT'`,
    `SHOW TABLES INTO OUTFILE '$LOOT'`,
    `SELECT 1 INTO DUMPFILE '$LOOT'`,
    `SELECT * FROM sqlite('$FILE', 'x')`,
    `SELECT * FROM executable('sh -c id', TSV, 'a String')`,
    `SELECT catboostEvaluate('$FILE', 1)`,
    `SELECT filesystemCapacity()`,
    `SELECT * FROM icebergLocal('/tmp')`,
    `SELECT * FROM deltaLakeLocal('/tmp')`,
    `SELECT * FROM paimonLocal('/tmp')`,
    `SELECT formatRow('Template', 1) SETTINGS format_template_row = '$FILE'`,
    `SELECT 1 FORMAT Template SETTINGS format_template_resultset = '$FILE'`,
    `SELECT 1 FORMAT Protobuf SETTINGS format_schema = '$FILE:M'`,
    `SELECT * FROM system.disks`,
    `SELECT * FROM system.server_settings`,
    `SELECT * FROM system.detached_parts`,
  ])('%s', (sql) => refused(sql))

  it.each(['format_schema', 'format_template_row', 'format_schema_source', 'output_format_schema', 'user_files_path'])(
    'the setting %s cannot be passed in the query string',
    (name) => refused('SELECT 1', { [name]: file }),
  )
})

describe('the network is out of reach', () => {
  it.each([
    `SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')`,
    `SELECT * FROM urlCluster('c', 'http://127.0.0.1:1/')`,
    `SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV', 'a String')`,
    `SELECT * FROM gcs('http://127.0.0.1:1/bucket/x')`,
    `SELECT * FROM azureBlobStorage('http://127.0.0.1:1/', 'c', 'x')`,
    `SELECT * FROM hdfs('hdfs://127.0.0.1:1/x')`,
    `SELECT * FROM remote('127.0.0.1:1', 'scorestream.decisions')`,
    `SELECT * FROM remoteSecure('127.0.0.1:1', 'scorestream.decisions')`,
    `SELECT * FROM remote('127.0.0.1:1', view(SELECT 1))`,
    `SELECT * FROM cluster('default', scorestream.decisions)`,
    `SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')`,
    `SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')`,
    `SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e String')`,
    `SELECT * FROM redis('127.0.0.1:1', 'a', 'a String')`,
    `SELECT * FROM odbc('DSN=x', 'a', 'b')`,
    `SELECT * FROM jdbc('x', 'a', 'b')`,
    `SELECT * FROM iceberg('http://127.0.0.1:1/')`,
    `SELECT * FROM deltaLake('http://127.0.0.1:1/')`,
    `SELECT * FROM hudi('http://127.0.0.1:1/')`,
    `SELECT * FROM ytsaurus('http://127.0.0.1:1', 'a', 'b')`,
    `SELECT * FROM prometheusQuery('a', 'b', 'c', 1)`,
    `EXPLAIN TABLE OVERRIDE mysql('a', 'b', 'c', 'd', 'e') COLUMNS (a Int8)`,
    `SELECT aiGenerate('x')`,
  ])('%s', (sql) => refused(sql))
})

describe('what reads is admitted', () => {
  it.each([
    ['SELECT count() > 0 FROM decisions', '1'],
    ['/* note */ SELECT count() > 0 FROM scorestream.decisions FINAL -- end', '1'],
    ['WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT max(n) FROM t', '3'],
    [`SELECT format('{}-{}', 'a', 'b')`, 'a-b'],
    ['SELECT sum(number) FROM numbers(4)', '6'],
    [`SELECT arrayMap(x -> x + 1, [1, 2])`, '[2,3]'],
    [`SELECT count() FILTER (WHERE decision IN ('approve', 'nothing')) > 0 FROM decisions`, '1'],
    ['SELECT quantile(0.5)(number) OVER () FROM numbers(1)', '0'],
    ['SELECT count() > 30 FROM (SELECT * EXCEPT (features) FROM decisions_with_outcomes)', '1'],
    [`SELECT url FROM (SELECT 'x' AS url)`, 'x'],
    ['EXISTS TABLE scorestream.decisions', '1'],
    [`SHOW TABLES LIKE 'dec%s_l%'`, 'decisions_latest'],
    [`SELECT 1 INTERSECT SELECT 1`, '1'],
    [`SELECT x FROM (SELECT [1] AS a) ARRAY JOIN a AS x`, '1'],
    [`SELECT toTypeName(CAST('1', 'UInt8'))`, 'UInt8'],
  ])('%s', async (sql, expected) => {
    const { status, text } = await ask(fixture.url, sql)
    expect(text.trimEnd()).toBe(expected)
    expect(status).toBe(200)
  })

  it.each([
    'EXPLAIN SELECT count() FROM decisions',
    'DESCRIBE decisions',
    'SHOW CREATE TABLE decisions',
    'SHOW DATABASES',
    'SHOW COLUMNS FROM decisions',
    'SELECT * FROM INFORMATION_SCHEMA.TABLES LIMIT 1',
    'SELECT name FROM system.columns LIMIT 1',
  ])('%s', async (sql) => expect((await ask(fixture.url, sql)).status).toBe(200))
})
