/** Every query that a runbook tells somebody to ask at night runs. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, openSqlFixture, type SqlFixture } from '../gateway/support/sql-fixture.ts'

const folder = join(import.meta.dirname, '../../docs/runbooks')
const queries = readdirSync(folder).flatMap((name) =>
  [...readFileSync(join(folder, name), 'utf8').matchAll(/`(SELECT [^`]+)`/g)].map(([, sql = '']) => ({ name, sql })),
)

let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(60)
})
afterAll(() => fixture.close())

test('there are queries', () => expect(queries.length).toBeGreaterThan(6))

test.for(queries)('$name: $sql', async ({ sql }) => {
  const { status, text } = await ask(fixture.url, sql, { database: 'scorestream' })
  expect(text).not.toMatch(/DB::Exception/)
  expect(status).toBe(200)
})
