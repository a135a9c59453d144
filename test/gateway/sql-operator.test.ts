/** Who may write, and who may not: the operator's statements run, everybody else's stay behind the guard. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSqlServer } from '#gateway/sql/sql-server.ts'
import { ask, openSqlFixture, sqlOptions, type SqlFixture } from './support/sql-fixture.ts'
import { openTestDirectory } from '../streams/support/warehouse-fixture.ts'

const OPERATOR = { user: 'operator', password: 'may-write' }
const READER = { user: 'reader', password: 'may-read' }
const spool = openTestDirectory()
let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(20, {
    credentials: READER,
    operator: { credentials: OPERATOR, spool: join(spool.directory, 'spool') },
  })
})
afterAll(async () => {
  await fixture.close()
  await spool.remove()
})

const as = (who: { user: string; password: string }, query: Record<string, string>, body: string) =>
  ask(fixture.url, body, { ...who, ...query })

describe('the operator', () => {
  test('makes tables, and inserts bodies that are rows and never statements', async () => {
    expect((await as(OPERATOR, {}, 'CREATE TABLE scorestream.notes (text String) ENGINE = MergeTree ORDER BY text')).status).toBe(200)
    const rows = '"one"\n\n; DROP TABLE scorestream.notes\n"two"\n'
    const { status } = await as(OPERATOR, { query: 'INSERT INTO scorestream.notes (`text`) FORMAT LineAsString' }, rows)
    expect(status).toBe(200)
    const { text } = await as(OPERATOR, {}, 'SELECT count() FROM scorestream.notes')
    expect(Number(text)).toBeGreaterThanOrEqual(3)
  })

  test('is told by ClickHouse what was wrong', async () => {
    const { status, text } = await as(OPERATOR, {}, 'SELECT nonsense')
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toMatch(/UNKNOWN_IDENTIFIER/)
  })
})

test('a reader does not write, a wrong password is nobody, and without the option the operator is nobody either', async () => {
  expect((await as(READER, {}, 'CREATE TABLE scorestream.mine (x UInt8) ENGINE = Memory')).text).toMatch(/READONLY|ACCESS_DENIED/)
  expect((await as({ ...OPERATOR, password: 'guess' }, {}, 'SELECT 1')).text).toMatch(/AUTHENTICATION_FAILED|Authentication failed/)
  const plain = startSqlServer({ ...sqlOptions(fixture.warehouse), credentials: READER })
  expect((await ask(`http://127.0.0.1:${plain.port}`, 'SELECT 1', { ...OPERATOR })).status).toBeGreaterThanOrEqual(400)
  plain.close()
})

test('an operator is not let in from elsewhere', () => {
  const operator = { credentials: OPERATOR, spool: spool.directory }
  expect(() => startSqlServer({ ...sqlOptions(fixture.warehouse), host: '0.0.0.0', credentials: READER, operator })).toThrow(
    /127\.0\.0\.1 alone/,
  )
})
