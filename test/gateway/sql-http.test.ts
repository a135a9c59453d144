/** The HTTP interface as ClickHouse's clients know it. */
import { gunzipSync, gzipSync } from 'node:zlib'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSqlServer } from '#gateway/sql/sql-server.ts'
import { DEFAULT_SQL_LIMITS } from '#gateway/sql/query-settings.ts'
import { rawRequest, type RawOptions } from './support/raw-request.ts'
import { ask, openSqlFixture, sqlOptions, type SqlFixture } from './support/sql-fixture.ts'

let fixture: SqlFixture
beforeAll(async () => {
  fixture = await openSqlFixture(60)
})
afterAll(() => fixture.close())

const raw = (options: RawOptions): ReturnType<typeof rawRequest> => rawRequest(fixture.port, options)

describe('where a query may stand', () => {
  it('in the URL, in the body, or half in each', async () => {
    expect(await (await fetch(`${fixture.url}/?query=SELECT%201`)).text()).toBe('1\n')
    expect((await ask(fixture.url, 'SELECT 2')).text).toBe('2\n')
    expect((await ask(fixture.url, '1 + 2', { query: 'SELECT' })).text).toBe('3\n')
  })

  it('in a multipart form, with parameters beside it', async () => {
    const form = new FormData()
    form.set('query', 'SELECT {a:UInt8} + 1')
    form.set('param_a', '41')
    const response = await fetch(`${fixture.url}/`, { method: 'POST', body: form })
    expect(await response.text()).toBe('42\n')
  })

  it('compressed', async () => {
    const { status, body } = await raw({ headers: { 'content-encoding': 'gzip' }, body: gzipSync('SELECT 7') })
    expect([status, body.toString()]).toEqual([200, '7\n'])
  })

  it.each([
    ['gzip', Buffer.from('no gzip'), 400],
    ['snappy', Buffer.from('x'), 501],
    ['gzip', gzipSync(Buffer.alloc(3_000_000, 'x')), 413],
  ])('a body that does not open as %s is refused with a ClickHouse error', async (encoding, body, expected) => {
    const answer = await raw({ headers: { 'content-encoding': encoding }, body })
    expect(answer.status).toBe(expected)
    expect(answer.body.toString()).toMatch(/^Code: \d+\. DB::Exception: /)
  })

  it('a body beyond the limit is refused with its size', async () => {
    const { status, text } = await ask(fixture.url, `SELECT '${'x'.repeat(1_100_000)}'`)
    expect(status).toBe(413)
    expect(text).toContain('1048576 bytes')
  })

  it('invalid UTF-8 is refused', async () => {
    expect((await raw({ body: Buffer.from([0x53, 0xff, 0xfe]) })).status).toBe(400)
  })

  it('without a query the server says that it lives', async () => {
    for (const path of ['/', '/ping', '/replicas_status']) {
      const response = await fetch(`${fixture.url}${path}`)
      expect([response.status, await response.text()]).toEqual([200, 'Ok.\n'])
    }
    expect((await fetch(`${fixture.url}/play`)).status).toBe(404)
  })
})

describe('formats and headers', () => {
  it('the query’s FORMAT wins over X-ClickHouse-Format, which wins over default_format', async () => {
    const one = await raw({
      path: '/?default_format=CSV',
      headers: { 'x-clickhouse-format': 'JSONEachRow' },
      body: 'SELECT 1 AS a FORMAT XML',
    })
    expect([one.headers['x-clickhouse-format'], one.body.toString().slice(0, 5)]).toEqual(['XML', '<?xml'])
    const two = await raw({ path: '/?default_format=CSV', headers: { 'x-clickhouse-format': 'JSONEachRow' }, body: 'SELECT 1 AS a' })
    expect([two.headers['x-clickhouse-format'], two.body.toString()]).toEqual(['JSONEachRow', '{"a":1}\n'])
    expect((await ask(fixture.url, `SELECT 'x'`, { default_format: 'CSV' })).text).toBe('"x"\n')
    expect((await ask(fixture.url, 'SELECT 1', { default_format: '../x' })).status).toBe(400)
    expect((await ask(fixture.url, 'SELECT 1', { default_format: 'NoSuchFormat' })).status).toBe(404)
  })

  it('every answer carries ClickHouse’s headers', async () => {
    const { headers } = await ask(fixture.url, 'SELECT 1', { query_id: 'my-query.1' })
    expect(headers.get('x-clickhouse-query-id')).toBe('my-query.1')
    expect(headers.get('x-clickhouse-timezone')).toBe('UTC')
    expect(headers.get('content-type')).toMatch(/^text\/tab-separated-values/)
    expect(JSON.parse(headers.get('x-clickhouse-summary') ?? '')).toMatchObject({ result_rows: '1', written_rows: '0' })
    expect((await ask(fixture.url, 'SELECT timezone()')).text).toBe('UTC\n')
  })

  it('errors carry their code in a header and ClickHouse’s own words in the body', async () => {
    const { status, headers, text } = await ask(fixture.url, 'SELECT nothing_of_this_name')
    expect(status).toBe(404)
    expect(headers.get('x-clickhouse-exception-code')).toBe('47')
    expect(text).toMatch(/^Code: 47\. DB::Exception: [\s\S]*\(UNKNOWN_IDENTIFIER\)\n$/)
    expect((await ask(fixture.url, 'SELEC 1')).status).toBe(400)
  })

  it('answers are gzipped where asked, and only there', async () => {
    const zipped = await raw({ headers: { 'accept-encoding': 'gzip' }, body: 'SELECT number FROM numbers(200000)' })
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(zipped.body).toString().split('\n')).toHaveLength(200_001)
    expect((await raw({ body: 'SELECT 1' })).headers['content-encoding']).toBeUndefined()
    expect(
      (await raw({ path: '/?enable_http_compression=0', headers: { 'accept-encoding': 'gzip' }, body: 'SELECT 1' })).headers[
        'content-encoding'
      ],
    ).toBeUndefined()
  })

  it('rows with totals keep them', async () => {
    expect((await ask(fixture.url, 'SELECT number % 2 AS k, count() FROM numbers(4) GROUP BY k WITH TOTALS ORDER BY k')).text).toBe(
      '0\t2\n1\t2\n\n0\t4\n',
    )
  })
})

describe('parameters and settings', () => {
  it('values never become SQL', async () => {
    const hostile = `x'; DROP TABLE decisions; -- \\`
    const { text } = await ask(fixture.url, 'SELECT {s:String} = {t:String}, length({s:String})', {
      param_s: hostile.replaceAll('\\', '\\\\'),
      param_t: hostile.replaceAll('\\', '\\\\'),
    })
    expect(text).toBe(`1\t${hostile.length}\n`)
  })

  it('two queries at once do not see each other’s parameters', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => ask(fixture.url, 'SELECT {n:UInt32}, sleep(0.01)', { param_n: String(i) })),
    )
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}\t0\n`))
  })

  it('settings that shape the output are honoured, limits may only be lowered, others are refused', async () => {
    expect(
      (await ask(fixture.url, 'SELECT toUInt64(1) AS a FORMAT JSONEachRow', { output_format_json_quote_64bit_integers: '1' })).text,
    ).toBe('{"a":"1"}\n')
    expect((await ask(fixture.url, `SELECT getSetting('max_execution_time')`, { max_execution_time: '5' })).text).toBe('5\n')
    expect((await ask(fixture.url, `SELECT getSetting('max_execution_time')`, { max_execution_time: '0' })).text).toBe('30\n')
    expect((await ask(fixture.url, `SELECT getSetting('max_execution_time')`, { max_execution_time: '9999' })).text).toBe('30\n')
    const refused = await ask(fixture.url, 'SELECT 1', { allow_ddl: '1' })
    expect([refused.status, refused.text]).toEqual([
      403,
      `Code: 164. DB::Exception: Cannot modify 'allow_ddl' setting in readonly mode (READONLY)\n`,
    ])
    expect((await ask(fixture.url, 'SELECT 1', { readonly: '0', session_id: 's', wait_end_of_query: '1' })).text).toBe('1\n')
    expect((await ask(fixture.url, `SELECT getSetting('readonly')`, { readonly: '0' })).text).toBe('1\n')
  })

  it('a session of the client leaves nothing behind', async () => {
    await ask(fixture.url, 'SELECT 1', { session_id: 's', max_result_rows: '1' })
    expect((await ask(fixture.url, 'SELECT count() FROM (SELECT number FROM numbers(5))', { session_id: 's' })).text).toBe('5\n')
  })
})

describe('limits', () => {
  it('of time', async () => {
    const { status, text } = await ask(fixture.url, 'SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))', {
      max_execution_time: '0.3',
    })
    expect(text).toContain('TIMEOUT_EXCEEDED')
    expect(status).toBe(408)
  })

  it('of memory', async () => {
    const { text } = await ask(fixture.url, 'SELECT length(groupArray(sipHash64(number))) FROM numbers(100000000)')
    expect(text).toContain('MEMORY_LIMIT_EXCEEDED')
    expect((await ask(fixture.url, 'SELECT 1')).text).toBe('1\n')
  })

  it('of rows', async () => {
    const { text } = await ask(fixture.url, 'SELECT number FROM numbers(5000) FORMAT JSON', { max_result_rows: '100' })
    expect(text).toContain('TOO_MANY_ROWS')
  })

  it('of bytes, for formats that must be held whole, with the way out', async () => {
    const { status, text } = await ask(fixture.url, `SELECT repeat('x', 900 + number % 100) FROM numbers(200000) FORMAT JSON`)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toMatch(/TOO_MANY_ROWS_OR_BYTES|TOO_MANY_BYTES/)
  })

  it('a result far larger than the memory limit streams', async () => {
    const response = await fetch(`${fixture.url}/`, { method: 'POST', body: `SELECT repeat('x', 1000) FROM numbers(400000) FORMAT TSV` })
    let bytes = 0
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length
    expect(bytes).toBe(400_000 * 1001)
  })

  it('a failure in the middle of a stream breaks the connection and says why', async () => {
    const response = await fetch(`${fixture.url}/`, {
      method: 'POST',
      body: `SELECT throwIf(number = 900000, 'planted'), number FROM numbers(2000000) SETTINGS max_threads = 2`,
    })
    await expect(response.text()).rejects.toThrow()
  })

  it('of concurrency: the surplus waits, and beyond that is turned away', async () => {
    const limits = { ...DEFAULT_SQL_LIMITS, concurrencyMax: 1 }
    const server = startSqlServer({ ...sqlOptions(fixture.warehouse), limits })
    try {
      const answers = await Promise.all(Array.from({ length: 24 }, () => ask(`http://127.0.0.1:${server.port}`, 'SELECT sleep(0.05)')))
      const turnedAway = answers.filter(({ status }) => status === 503)
      expect(turnedAway.length).toBe(7)
      expect(turnedAway.every(({ text }) => text.includes('TOO_MANY_SIMULTANEOUS_QUERIES'))).toBe(true)
    } finally {
      server.close()
    }
  })
})

describe('a client that goes away', () => {
  const running = async (): Promise<number> => {
    const [row] = await fixture.warehouse
      .writer()
      .connection.rows<{ n: number }>(
        `SELECT count() AS n FROM system.processes WHERE query LIKE '%sipHash128%' AND query NOT LIKE '%system.processes%'`,
      )
    return row?.n ?? 0
  }
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) await delay(20)
  }

  it.each([
    ['held whole', 'SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash128(number)) FORMAT JSON'],
    ['streamed', 'SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash128(number)) FORMAT TSV'],
    ['streaming already', 'SELECT number FROM numbers(9000000) WHERE NOT ignore(sipHash128(number)) FORMAT TSV'],
  ])('takes its query with it (%s)', async (_, sql) => {
    const leaving = new AbortController()
    const asked = fetch(`${fixture.url}/`, { method: 'POST', body: sql, signal: leaving.signal }).catch(() => undefined)
    await until(async () => (await running()) === 1)
    leaving.abort()
    await asked
    await until(async () => (await running()) === 0)
    await until(async () => fixture.server.running() === 0)
  })
})
