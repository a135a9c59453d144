/** Who may ask the SQL port: Host, Origin, password, address. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSqlServer } from '#gateway/sql/sql-server.ts'
import { rawRequest, type RawOptions } from './support/raw-request.ts'
import { openSqlFixture, sqlOptions, type SqlFixture } from './support/sql-fixture.ts'

let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(5)
})
afterAll(() => fixture.close())

const raw = (options: RawOptions): ReturnType<typeof rawRequest> => rawRequest(fixture.port, options)

describe('who may ask', () => {
  it.each(['evil.example', 'evil.example:8123', '10.0.0.1', '127.0.0.1.evil.example'])(
    'a foreign Host header is refused: %s',
    async (host) => {
      const { status } = await raw({ headers: { host }, body: 'SELECT 1' })
      expect([400, 403]).toContain(status)
    },
  )

  it.each(['localhost', 'LOCALHOST:99', '127.0.0.1', '[::1]:8123'])('loopback’s own names are taken: %s', async (host) => {
    expect((await raw({ headers: { host }, body: 'SELECT 1' })).status).toBe(200)
  })

  it('pages of other origins are refused, ping included', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1']) {
      expect((await raw({ headers: { origin }, body: 'SELECT 1' })).status).toBe(403)
      expect((await raw({ path: '/ping', method: 'GET', headers: { origin } })).status).toBe(403)
    }
    expect((await raw({ headers: { origin: `http://127.0.0.1:${fixture.port}` }, body: 'SELECT 1' })).status).toBe(200)
  })

  it('a configured password is required, by header, Basic or query string', async () => {
    const server = startSqlServer({ ...sqlOptions(fixture.warehouse), credentials: { user: 'analyst', password: 'open sesame' } })
    const { port } = server
    const basic = (pair: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
    try {
      const none = await raw({ port, body: 'SELECT 1' })
      expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Basic realm="ClickHouse server HTTP API"'])
      expect((await raw({ port, headers: basic('analyst:open sesame'), body: 'SELECT 1' })).status).toBe(200)
      expect(
        (await raw({ port, headers: { 'x-clickhouse-user': 'analyst', 'x-clickhouse-key': 'open sesame' }, body: 'SELECT 1' })).status,
      ).toBe(200)
      expect((await raw({ port, path: '/?user=analyst&password=open%20sesame', body: 'SELECT 1' })).status).toBe(200)
      for (const pair of ['analyst:wrong', 'other:open sesame', 'analyst:', 'analyst', ':'])
        expect((await raw({ port, headers: basic(pair), body: 'SELECT 1' })).status).toBe(401)
      expect((await raw({ port, path: '/ping', method: 'GET' })).status).toBe(200)
    } finally {
      server.close()
    }
  })

  it('beyond loopback it does not listen without a password', () => {
    expect(() => startSqlServer({ ...sqlOptions(fixture.warehouse), host: '0.0.0.0' })).toThrow(/without a password/)
  })

  it('a taken port is an error that names it', () => {
    expect(() => startSqlServer({ ...sqlOptions(fixture.warehouse), port: fixture.port })).toThrow(
      `port ${fixture.port} on 127.0.0.1 is in use`,
    )
  })
})
