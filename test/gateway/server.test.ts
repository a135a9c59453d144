import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '#gateway/server.ts'
import { DEFAULT_LIMITS } from '#gateway/settings.ts'
import { payment, post, reported, serve, SmallEngine } from './small-engine.ts'

let engine: SmallEngine
let gateway: Gateway
beforeAll(async () => {
  engine = new SmallEngine()
  gateway = await serve(engine, { limits: { ...DEFAULT_LIMITS, bodyTimeoutMs: 200 } })
})
afterAll(() => gateway.close())

/** Sends raw bytes and returns all that comes back until the server closes or `ms` have passed. */
const raw = (parts: readonly (string | number)[], ms = 1_000) =>
  new Promise<string>((resolve) => {
    const socket = connect(gateway.port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    const done = () => {
      socket.destroy()
      resolve(text)
    }
    socket.on('close', done)
    socket.on('error', done)
    setTimeout(done, ms)
    void (async () => {
      for (const part of parts)
        if (typeof part === 'number') await new Promise((wake) => setTimeout(wake, part))
        else socket.write(part)
    })()
  })

const head = (path: string, extra = '') => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${extra}`

describe('every path', () => {
  test.each(['/nothing', '/v1', '/v1/decisions', '/v1/decisions/', '/assets/../server.ts', '/%2e%2e/etc/passwd', '/assets/none.js'])(
    '%s is 404 as a problem',
    async (path) => {
      const response = await fetch(gateway.url + path)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ code: 'not-found', status: 404 })
    },
  )

  test('a wrong method is 405 and names the right ones', async () => {
    const response = await fetch(`${gateway.url}/v1/events`)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    const put = await fetch(`${gateway.url}/v1/models`, { method: 'PUT', body: 'x' })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(((await put.json()) as { code: string }).code).toBe('method-not-allowed')
  })

  test('HEAD is GET without the body', async () => {
    const get = await fetch(`${gateway.url}/v1/models`)
    const head = await fetch(`${gateway.url}/v1/models`, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(String((await get.arrayBuffer()).byteLength))
    expect(await head.text()).toBe('')
  })

  test('data is never cached or sniffed', async () => {
    const { headers } = await fetch(`${gateway.url}/v1/models`)
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff'])
  })
})

describe('reading', () => {
  test('decision ids that are none are refused, unknown ones not found', async () => {
    for (const id of ['abc', '1', '1-', '-1-1', '1-1-1', '%00', '1-99999999999999999', '%E0%A4%A']) {
      const response = await fetch(`${gateway.url}/v1/decisions/${id}`)
      expect([id, response.status]).toEqual([id, 400])
    }
    const missing = await fetch(`${gateway.url}/v1/decisions/0-99`)
    expect([missing.status, ((await missing.json()) as { code: string }).code]).toEqual([404, 'decision-not-found'])
    expect((await fetch(`${gateway.url}/v1/decisions/0-0?capsule=perhaps`)).status).toBe(400)
  })

  test('features carry names and units, with null for missing', async () => {
    const response = await fetch(`${gateway.url}/v1/applicants/client-1/features`)
    expect(await response.json()).toMatchObject({
      asOf: '2023-11-14T22:13:20.000Z',
      features: [{ value: null, unit: 'minor currency units' }],
    })
    expect((await fetch(`${gateway.url}/v1/applicants/unknown/features`)).status).toBe(404)
    expect((await fetch(`${gateway.url}/v1/applicants/a%20b/features`)).status).toBe(400)
  })

  test('models, metrics, health and readiness answer', async () => {
    expect(await (await fetch(`${gateway.url}/v1/models`)).json()).toMatchObject({
      models: [{ aliases: ['champion'], metrics: { auc: { value: 0.78 } } }],
    })
    expect((await fetch(`${gateway.url}/metrics`)).headers.get('content-type')).toContain('version=0.0.4')
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(text).toContain('\nup 1\n')
    expect(text).toMatch(/^scorestream_gateway_answers_total\{class="2xx"\} \d+$/m)
    for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[\w-]+"\})? -?[\d.]+)$/)
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
    engine.ready = false
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503)
    engine.ready = true
  })

  test('pages run under a policy that admits no foreign script', async () => {
    for (const path of ['/', '/docs']) {
      const response = await fetch(gateway.url + path)
      expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'/)
      const html = await response.text()
      expect(html).not.toMatch(/<script(?![^>]*src=)|\son[a-z]+=|style=|https?:\/\/(?!127\.0\.0\.1|localhost)/)
      for (const [, file] of html.matchAll(/(?:src|href)="(\/[^"#?]*)"/g))
        expect([file, (await fetch(gateway.url + file)).status]).toEqual([file, 200])
    }
  })
})

describe('hostile connections', () => {
  test('a body that trickles is cut off with 408', async () => {
    const text = await raw([`${head('/v1/events')}Content-Length: 100\r\n\r\n{`, 50, '"', 50, 'a', 50, 'b', 100, 'c'])
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(text).toContain('request-timeout')
  })

  test('a chunked body beyond the bound ends with 413', async () => {
    const small = await serve(engine, { limits: { ...DEFAULT_LIMITS, bodyBytesMax: 10_000 } })
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(1_000))
        controller.close()
      },
    })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
    const response = await fetch(`${small.url}/v1/events`, init)
    expect(response.status).toBe(413)
    expect(engine.letters.at(-1)?.rejection.code).toBe('too-large')
    await small.close()
  })

  test('headers beyond the bound are refused', async () => {
    expect(await raw([`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`])).toMatch(/^HTTP\/1\.1 431 /)
  })

  test.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two lengths', `${head('/v1/events')}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['length and chunks', `${head('/v1/events')}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`],
    ['a negative length', `${head('/v1/events')}Content-Length: -2\r\n\r\n{}`],
  ])('%s does no harm', async (_, bytes) => {
    expect(await raw([bytes], 300)).not.toMatch(/^HTTP\/1\.1 (2|500)/)
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })

  test('uploads broken off leave nothing behind', async () => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const socket = connect(gateway.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write(`${head('/v1/events')}Content-Length: 100000\r\n\r\n${'{'.repeat(i * 100)}`)
        await new Promise((wake) => setTimeout(wake, i))
        socket.destroy()
      }),
    )
    await expect.poll(() => gateway.counters.inFlight).toBe(0)
    expect(gateway.counters.bodyBytesHeld).toBe(0)
    expect((await post(`${gateway.url}/v1/events`, JSON.stringify(payment()))).status).toBe(202)
    expect(reported).toEqual([])
  })

  test('bodies held at one time are bounded', async () => {
    const small = await serve(engine, { limits: { ...DEFAULT_LIMITS, bodiesBytesMax: 50_000 } })
    const socket = connect(small.port, '127.0.0.1')
    socket.write(`${head('/v1/events')}Content-Length: 100000\r\n\r\n${'x'.repeat(40_000)}`)
    await expect.poll(() => small.counters.bodyBytesHeld).toBeGreaterThan(30_000)
    const response = await post(`${small.url}/v1/events`, 'x'.repeat(20_000))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    socket.destroy()
    await expect.poll(() => small.counters.bodyBytesHeld).toBe(0)
    await small.close()
  })

  test('closing lets a request under way finish', async () => {
    const slow = new SmallEngine()
    const ingest = slow.ingest
    slow.ingest = async (events) => {
      await new Promise((wake) => setTimeout(wake, 100))
      return ingest(events)
    }
    const small = await serve(slow)
    const response = post(`${small.url}/v1/events`, JSON.stringify(payment()))
    await expect.poll(() => small.counters.inFlight).toBe(1)
    await small.close()
    expect((await response).status).toBe(202)
    await expect(fetch(`${small.url}/healthz`)).rejects.toThrow()
  })
})
