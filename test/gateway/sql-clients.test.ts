/** Three clients that analysts use, unmodified, against the SQL port. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonEnvironment } from '../python-environment.ts'
import { openSqlFixture, SECRET, type SqlFixture } from './support/sql-fixture.ts'

const run = promisify(execFile)
let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(120)
})
afterAll(() => fixture.close())

describe('curl', () => {
  it('reads decisions with their reasons', async () => {
    const { stdout } = await run('curl', [
      '-sSf',
      fixture.url,
      '--data-binary',
      `SELECT decision_id, decision, reasons.code, reasons.contribution FROM decisions WHERE decision = 'decline' LIMIT 1 FORMAT JSONEachRow`,
    ])
    const row = JSON.parse(stdout) as { decision: string; 'reasons.code': string[]; 'reasons.contribution': number[] }
    expect(row.decision).toBe('decline')
    expect(row['reasons.code'].length).toBeGreaterThan(0)
    expect(row['reasons.contribution'][0]).toBeGreaterThan(0)
  })
})

describe.each([
  ['plain', false],
  ['gzip', true],
])('@clickhouse/client, %s', (_, compressed) => {
  let client: ClickHouseClient
  beforeAll(() => {
    client = createClient({
      url: fixture.url,
      database: 'scorestream',
      compression: { response: compressed, request: compressed },
      log: { level: 127 },
    })
  })
  afterAll(() => client.close())

  it('pings', async () => expect(await client.ping()).toMatchObject({ success: true }))

  it('reads rows with parameters', async () => {
    const result = await client.query({
      query: 'SELECT count() AS n FROM decisions WHERE decision IN {kinds:Array(String)} AND product = {product:String}',
      query_params: { kinds: ['approve', 'refer', 'decline'], product: 'credit-line' },
      format: 'JSONEachRow',
    })
    expect(await result.json()).toEqual([{ n: fixture.portfolio.applications }])
  })

  it('streams every event', async () => {
    const result = await client.query({ query: 'SELECT * FROM events', format: 'JSONEachRow' })
    let rows = 0
    for await (const batch of result.stream()) rows += batch.length
    expect(rows).toBe(fixture.portfolio.events)
  })

  it('hears of refusals as ClickHouse errors', async () => {
    await expect(client.query({ query: 'SELECT * FROM protected' })).rejects.toMatchObject({ code: '497', type: 'ACCESS_DENIED' })
    await expect(client.command({ query: 'DROP TABLE decisions' })).rejects.toMatchObject({ code: '164', type: 'READONLY' })
    await expect(client.insert({ table: 'decisions', values: [{ decision_id: 'x' }], format: 'JSONEachRow' })).rejects.toMatchObject({
      code: '164',
    })
  })
})

const python = pythonEnvironment(['clickhouse_connect'])
const SCRIPT = `
import json, sys, clickhouse_connect
client = clickhouse_connect.get_client(host='127.0.0.1', port=int(sys.argv[1]), database='scorestream')
def refused(run):
    try: run(); return None
    except Exception as error: return str(error)
first = client.query('SELECT decision_id, event_time, amount, probability, reasons.code, features, rule_hit, in_training FROM decisions ORDER BY partition, offset LIMIT 1')
print(json.dumps({
    'names': list(first.column_names),
    'first': [str(value) for value in first.result_rows[0]],
    'events': len(client.query('SELECT * FROM events').result_rows),
    'parameters': client.query('SELECT {a:Int32} + {b:Int32}', parameters={'a': 40, 'b': 2}).result_rows[0][0],
    'quoted': client.query('SELECT %(text)s', parameters={'text': "it's; -- \\\\"}).result_rows[0][0],
    'command': client.command('SELECT count() FROM outcomes'),
    'protected': refused(lambda: client.query('SELECT * FROM protected')),
    'insert': refused(lambda: client.insert('outcomes', [['a', 'b']], column_names=['application_id', 'applicant_id'])),
    'ddl': refused(lambda: client.command('CREATE TABLE t (a Int8) ENGINE = Memory')),
}))
`

describe('clickhouse-connect', () => {
  it.skipIf(python.kind === 'absent')(
    python.kind === 'absent' ? `skipped: ${python.reason}` : 'reads rows, types and parameters, and hears of refusals',
    async () => {
      if (python.kind === 'absent') return
      const { stdout } = await run(python.python, ['-c', SCRIPT, String(fixture.port)])
      const seen = JSON.parse(stdout) as Record<string, unknown>
      expect(seen['events']).toBe(fixture.portfolio.events)
      expect(seen['command']).toBe(fixture.portfolio.outcomes)
      expect(seen['parameters']).toBe(42)
      expect(seen['quoted']).toBe(`it's; -- \\`)
      expect(seen['protected']).toContain('ACCESS_DENIED')
      expect(seen['insert']).toMatch(/READONLY|NOT_IMPLEMENTED/)
      expect(seen['ddl']).toContain('READONLY')
      expect(stdout).not.toContain(SECRET)
    },
  )
})
