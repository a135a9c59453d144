import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Dashboard } from '#gateway/dashboard.ts'
import type { ReplayAnswer } from '#gateway/ports.ts'
import type { Gateway } from '#gateway/server.ts'
import { post, serve, SmallEngine } from './small-engine.ts'
import { openSqlFixture, SECRET, type SqlFixture } from './support/sql-fixture.ts'

/** Each applies once. */
const CLIENTS = 20
let fixture: SqlFixture
let gateway: Gateway
let finish: (answer: ReplayAnswer | undefined) => void = () => {}
const TOKEN = 'reader-token-of-twenty-four'
beforeAll(async () => {
  fixture = await openSqlFixture(CLIENTS)
  gateway = await serve(
    new SmallEngine(),
    { credentials: [{ name: 'desk', token: TOKEN, role: 'reader' }] },
    { sqlUrl: fixture.url, replay: () => new Promise((resolve) => (finish = resolve)) },
  )
})
afterAll(async () => {
  await gateway.close()
  await fixture.close()
})

const AUTHORIZED = { authorization: `Bearer ${TOKEN}` }
const ask = (statement: string, type = 'application/sql', headers: Record<string, string> = AUTHORIZED): Promise<Response> =>
  post(`${gateway.url}/v1/sql`, statement, type, headers)

describe('SQL through the gateway', () => {
  test('answers a statement with names, types and rows', async () => {
    const response = await ask('SELECT count() AS n FROM decisions_latest')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      meta: [{ name: 'n', type: 'UInt64' }],
      data: [[CLIENTS]],
      rows: 1,
    })
  })

  test('passes the engine’s own message on as a problem', async () => {
    const response = await ask('SELEC 1')
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ code: 'sql-failed', detail: expect.stringMatching(/^Code: \d+.*/) as string })
  })

  test.each([
    'SELECT value FROM protected',
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'x String')",
    'DROP TABLE decisions',
    'SELECT 1; SELECT 2',
  ])('reads no more than the SQL port itself: %s', async (statement) => {
    const response = await ask(statement)
    expect(response.status).toBe(422)
    expect(await response.text()).not.toContain(SECRET)
  })

  test('asks for a token where the gateway does, and refuses pages of other origins and types a form could send', async () => {
    expect((await ask('SELECT 1', 'application/sql', {})).status).toBe(401)
    expect((await ask('SELECT 1', 'application/sql', { ...AUTHORIZED, origin: 'https://elsewhere.example' })).status).toBe(403)
    expect((await ask('SELECT 1', 'text/plain')).status).toBe(415)
  })

  test('bounds statement and result, and says so', async () => {
    expect((await ask(`SELECT '${'x'.repeat(70_000)}'`)).status).toBe(413)
    const rows = await ask('SELECT number FROM numbers(200000)')
    expect([rows.status, ((await rows.json()) as { code: string }).code]).toEqual([422, 'sql-failed'])
    const bytes = await ask("SELECT repeat('x', 1000000) FROM numbers(30)")
    expect([bytes.status, ((await bytes.json()) as { detail: string }).detail]).toEqual([422, expect.stringContaining('add LIMIT')])
  })

  test('without a warehouse it says what to set', async () => {
    const bare = await serve(new SmallEngine(), {}, { sqlUrl: '' })
    const response = await post(`${bare.url}/v1/sql`, 'SELECT 1', 'application/sql')
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([503, 'sql-unavailable'])
    await bare.close()
  })
})

describe('replay through the gateway', () => {
  const replay = (id: string): Promise<Response> => post(`${gateway.url}/v1/decisions/${id}/replay`, '', 'application/json', AUTHORIZED)

  test('hands on what the replay found, and 404 where there is no such decision', async () => {
    const answer: ReplayAnswer = { id: '0-1', result: 'different', differences: [{ cause: 'policy', detail: 'another policy' }] }
    const first = replay('0-1')
    await expect.poll(() => (finish(answer), Promise.race([first, undefined])), { timeout: 5_000 }).toBeDefined()
    expect(await (await first).json()).toEqual(answer)
    const second = replay('0-2')
    await expect.poll(() => (finish(undefined), Promise.race([second, undefined])), { timeout: 5_000 }).toBeDefined()
    expect((await second).status).toBe(404)
  })

  test('an id that is none is refused before anything runs', async () => {
    expect((await replay('..%2f..')).status).toBe(400)
  })

  test('without a log to replay from it says so', async () => {
    const bare = await serve(new SmallEngine())
    const response = await post(`${bare.url}/v1/decisions/0-1/replay`, '')
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([503, 'replay-unavailable'])
    await bare.close()
  })
})

describe('the dashboard’s files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scorestream-dist-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('before a build the pages say so and ask again; after it they are there, compressed, and named files keep for ever', async () => {
    const dashboard = new Dashboard()
    const served = await serve(new SmallEngine(), {}, { dashboard })
    expect(await (await fetch(`${served.url}/portfolio`)).text()).toContain('being built')
    expect(() => dashboard.load(folder)).toThrow(/npm run build:web/)
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>built</title>')
    mkdirSync(join(folder, 'app'))
    writeFileSync(join(folder, 'app/view-1a2b3c4d.js'), `export const text = '${'x'.repeat(500)}'`)
    dashboard.load(folder)
    for (const path of ['/', '/decisions/0-1', '/features/a.b.c.d.e', '/sql'])
      expect([path, await (await fetch(served.url + path)).text()]).toEqual([path, expect.stringContaining('<title>built')])
    const script = await fetch(`${served.url}/app/view-1a2b3c4d.js`)
    expect([script.headers.get('content-encoding'), script.headers.get('cache-control')]).toEqual([
      'gzip',
      expect.stringContaining('immutable'),
    ])
    expect(await script.text()).toContain('xxx')
    expect(script.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await fetch(`${served.url}/app/other.js`)).status).toBe(404)
    await served.close()
  })
})
