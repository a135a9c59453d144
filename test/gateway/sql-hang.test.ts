/** A call into the engine that does not return: its caller is told, its slot stays taken until it does, and others go on. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SqlEngine, SqlLane } from '#gateway/sql/ports.ts'
import { DEFAULT_SQL_LIMITS } from '#gateway/sql/query-settings.ts'
import { startSqlServer, type SqlServer } from '#gateway/sql/sql-server.ts'
import { ask, openSqlFixture, sqlOptions, type SqlFixture } from './support/sql-fixture.ts'

/** Statements that mention it return only when told. */
const HELD = 'held'
let release: () => void
const held = new Promise<void>((resolve) => (release = resolve))

/** The real engine, whose calls for such statements come back late. */
const holding = (lane: SqlLane): SqlLane => ({
  query: async (sql, format) => {
    const result = await lane.query(sql, format)
    if (sql.startsWith('SELECT') && sql.includes(HELD)) await held
    return result
  },
  async *stream(sql, format) {
    for await (const chunk of lane.stream(sql, format)) {
      if (sql.includes(HELD)) await held
      yield chunk
    }
  },
  classify: (sql) => lane.classify(sql),
  close: () => lane.close(),
})

let fixture: SqlFixture
let server: SqlServer
beforeAll(async () => {
  fixture = await openSqlFixture(5)
  const { engine } = fixture.warehouse
  const held: SqlEngine = { connect: () => holding(engine.connect()), cancel: (comment) => engine.cancel(comment) }
  // The engine's own limit of time is out of the way: a second, two of grace, and what a caller waits beyond.
  const limits = { ...DEFAULT_SQL_LIMITS, secondsMax: 1, hangMsMax: 50, concurrencyMax: 3 }
  server = startSqlServer({ ...sqlOptions(fixture.warehouse), engine: held, limits })
})
afterAll(async () => {
  release()
  server.close()
  await fixture.close()
})

it('tells callers, whole result or stream, and gives the slots back once the calls return', { timeout: 60_000 }, async () => {
  const url = `http://127.0.0.1:${server.port}`
  const [whole, streamed] = await Promise.all([
    ask(url, `SELECT count() AS ${HELD} FROM events FORMAT JSON`),
    ask(url, `SELECT count() AS ${HELD} FROM events FORMAT TSV`),
  ])
  for (const { status, text } of [whole, streamed]) {
    expect([status, text]).toEqual([408, expect.stringMatching(/^Code: 159\. .*has not ended this query for 3 s.*TIMEOUT_EXCEEDED/s)])
  }
  expect(server.running()).toBe(2)
  expect(await ask(url, 'SELECT 1')).toMatchObject({ status: 200, text: '1\n' })
  release()
  await expect.poll(() => server.running(), { timeout: 20_000 }).toBe(0)
})
