import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '#gateway/server.ts'
import { DEFAULT_LIMITS } from '#gateway/settings.ts'
import { application, payment, post, reported, serve, SmallEngine } from './small-engine.ts'

let engine: SmallEngine
let gateway: Gateway
beforeAll(async () => {
  engine = new SmallEngine()
  gateway = await serve(engine)
})
afterAll(() => gateway.close())

const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const document = (await response.json()) as {
    status: number
    code: string
    title: string
    detail: string
    instance: string
    errors?: { pointer: string; remedy: string }[]
  }
  expect(document.status).toBe(response.status)
  return document
}

const lines = async (response: Response) =>
  (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; status: string; position: unknown; problem?: { code: string } })

describe('one event', () => {
  test('is answered 202 with its position, its retry 200 as a duplicate at the same position, other bytes 409 with a dead letter', async () => {
    const event = payment()
    const first = await post(`${gateway.url}/v1/events`, JSON.stringify(event))
    expect(first.status).toBe(202)
    const receipt = (await first.json()) as Record<string, unknown>
    expect(receipt).toMatchObject({ eventId: event.eventId, status: 'accepted', duplicate: false })
    const again = await post(`${gateway.url}/v1/events`, JSON.stringify(event))
    expect(again.status).toBe(200)
    expect(await again.json()).toEqual({ ...receipt, status: 'duplicate', duplicate: true })
    const letters = engine.letters.length
    const conflict = await post(`${gateway.url}/v1/events`, JSON.stringify({ ...event, amount: 1 }))
    expect((await problemOf(conflict)).code).toBe('duplicate-conflict')
    expect(conflict.status).toBe(409)
    expect(engine.letters.length).toBe(letters + 1)
  })

  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const withAmount = (amount: string) => JSON.stringify(payment()).replace('5000', amount)
  test.each([
    ['malformed JSON', '{"eventId":', 400, 'malformed-json'],
    ['an empty body', '', 400, 'malformed-json'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400, 'invalid-utf8'],
    ['null', 'null', 422, 'schema-violation'],
    ['an unknown kind', JSON.stringify(payment({ kind: 'dividend' })), 422, 'unknown-kind'],
    ['a wrong type', JSON.stringify(payment({ amount: '5000' })), 422, 'schema-violation'],
    ['a negative payment', withAmount('-5'), 422, 'schema-violation'],
    ['1e999', withAmount('1e999'), 422, 'schema-violation'],
    ['an unknown field', JSON.stringify(payment({ surprise: 1 })), 422, 'schema-violation'],
    ['__proto__', JSON.stringify(payment()).replace('{', '{"__proto__":{"admin":true},'), 422, 'schema-violation'],
    ['an 11 MB string', JSON.stringify(payment({ accountId: 'x'.repeat(11 << 20) })), 413, 'too-large'],
  ])('%s gets a problem document and a dead letter with its bytes', async (_, body, status, code) => {
    const letters = engine.letters.length
    const response = await post(`${gateway.url}/v1/events`, body)
    const document = await problemOf(response)
    expect([response.status, document.code]).toEqual([status, code])
    expect(document.instance).toBe('/v1/events')
    expect(engine.letters.length).toBe(letters + 1)
    expect(engine.letters.at(-1)?.bytes.equals(Buffer.from(body))).toBe(true)
    expect(engine.letters.at(-1)?.rejection.code).toBe(code)
  })

  test('20,000 nested arrays are refused', async () => {
    expect((await post(`${gateway.url}/v1/events`, deep)).status).toBeGreaterThanOrEqual(400)
  })

  test('a body beyond the bound is refused with 413 before it is read', async () => {
    const small = await serve(engine, { limits: { ...DEFAULT_LIMITS, bodyBytesMax: 1_000 } })
    const response = await post(`${small.url}/v1/events`, 'x'.repeat(1_001))
    expect((await problemOf(response)).code).toBe('too-large')
    await small.close()
  })

  test('an unknown media type gets 415', async () => {
    expect((await problemOf(await post(`${gateway.url}/v1/events`, '{}', 'text/plain'))).code).toBe('unsupported-media-type')
  })

  test('over the byte bound of ingestion it gets 503 with Retry-After, and a full disk 503 too', async () => {
    engine.ingestError = Object.assign(new Error('full'), { code: 'overloaded' })
    const overloaded = await post(`${gateway.url}/v1/events`, JSON.stringify(payment()))
    expect(overloaded.headers.get('retry-after')).toBe('1')
    expect((await problemOf(overloaded)).code).toBe('overloaded')
    engine.ingestError = Object.assign(new Error('ENOSPC'), { code: 'disk-full' })
    expect((await problemOf(await post(`${gateway.url}/v1/events`, JSON.stringify(payment())))).code).toBe('storage-unavailable')
    engine.ingestError = undefined
    reported.length = 0
  })

  test('a bug behind the route gets 500 without a word of the inside', async () => {
    engine.ingestError = new Error('secret inside')
    const response = await post(`${gateway.url}/v1/events`, JSON.stringify(payment()))
    const document = await problemOf(response)
    expect(document.code).toBe('internal')
    expect(JSON.stringify(document)).not.toContain('secret')
    expect(reported.at(-1)).toContain('secret inside')
    engine.ingestError = undefined
    reported.length = 0
  })

  test('hundreds of random malformed bodies leave the server alive and the good event accepted', async () => {
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const good = JSON.stringify(application())
    for (let i = 0; i < 400; i++) {
      const bytes = Buffer.from(good)
      for (let k = 0; k < 1 + random() * 8; k++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      const response = await post(`${gateway.url}/v1/events`, bytes.subarray(0, Math.ceil(random() * bytes.length)))
      expect(response.status).toBeLessThan(500)
      await response.arrayBuffer()
    }
    expect((await post(`${gateway.url}/v1/events`, good)).status).toBe(202)
    expect(reported).toEqual([])
    expect(gateway.counters.bodyBytesHeld).toBe(0)
  })
})

describe('NDJSON', () => {
  test('gives one result a line in order, blank lines counted but not answered', async () => {
    const event = payment()
    const body = [JSON.stringify(event), '', JSON.stringify(event), '{"kind":"nonsense"}', `${JSON.stringify(payment())}\r`].join('\n')
    const response = await post(`${gateway.url}/v1/events`, body, 'application/x-ndjson')
    expect(response.status).toBe(207)
    const results = await lines(response)
    expect(results.map(({ line, status }) => [line, status])).toEqual([
      [1, 'accepted'],
      [3, 'duplicate'],
      [4, 'rejected'],
      [5, 'accepted'],
    ])
    expect(results[2]?.problem?.code).toBe('unknown-kind')
    expect(engine.letters.at(-1)?.bytes.toString()).toBe('{"kind":"nonsense"}')
  })

  test('keeps thousands of lines in order over many appends', async () => {
    const before = engine.log.end('credit-events').reduce((a, b) => a + b)
    const events = Array.from({ length: 3_000 }, () => payment())
    const response = await post(
      `${gateway.url}/v1/events`,
      events.map((event) => `${JSON.stringify(event)}\n`).join(''),
      'application/x-ndjson',
    )
    expect(response.status).toBe(202)
    expect((await lines(response)).map(({ line }) => line)).toEqual(events.map((_, i) => i + 1))
    expect(engine.log.end('credit-events').reduce((a, b) => a + b)).toBe(before + 3_000)
  })

  test('a line beyond the bound is refused alone', async () => {
    const body = `${JSON.stringify(payment())}\n${JSON.stringify(payment({ accountId: 'x'.repeat(2 << 20) }))}\n${JSON.stringify(payment())}`
    const results = await lines(await post(`${gateway.url}/v1/events`, body, 'application/x-ndjson'))
    expect(results.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted'])
    expect(results[1]?.problem?.code).toBe('too-large')
  })

  test('lines not tried because of overload are named one by one', async () => {
    let calls = 0
    const ingest = engine.ingest
    engine.ingest = (events) => (calls++ === 0 ? ingest(events) : Promise.reject(Object.assign(new Error('full'), { code: 'overloaded' })))
    const body = Array.from({ length: 1_200 }, () => JSON.stringify(payment())).join('\n')
    const response = await post(`${gateway.url}/v1/events`, body, 'application/x-ndjson')
    engine.ingest = ingest
    expect(response.status).toBe(207)
    expect(response.headers.get('retry-after')).toBe('1')
    const results = await lines(response)
    expect(results.filter(({ status }) => status === 'accepted').length).toBe(512)
    expect(results.filter(({ status }) => status === 'overloaded').length).toBe(688)
  })
})
