import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { startGateway, type Gateway } from '#gateway/server.ts'
import { refusals, type Credential, type GatewaySettings } from '#gateway/settings.ts'
import { FeedClient, refusedUpgrade } from './feed-client.ts'
import { payment, post, reported, serve, SETTINGS, SmallEngine } from './small-engine.ts'

const token = (letter: string) => letter.repeat(32)
const CREDENTIALS: readonly Credential[] = [
  { name: 'desk', token: token('r'), role: 'reader' },
  { name: 'core', token: token('p'), role: 'producer' },
  { name: 'sre', token: token('o'), role: 'operator' },
]
const bearer = (letter: string) => ({ authorization: `Bearer ${token(letter)}` })

let gateway: Gateway | undefined
const start = async (changes: Partial<GatewaySettings> = {}): Promise<Gateway> => (gateway = await serve(new SmallEngine(), changes))
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

/** fetch forbids setting Host; this does not. */
const statusWith = (at: Gateway, headers: Record<string, string>, path = '/v1/models') =>
  new Promise<number>((resolve, reject) => {
    const sent = request({ port: at.port, host: '127.0.0.1', path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })

describe('Host and Origin', () => {
  test.each(['127.0.0.1', 'localhost', 'LOCALHOST:9', '[::1]:8080', '127.8.8.8:1'])('Host %s leads to loopback', async (host) => {
    expect(await statusWith(await start(), { host })).toBe(200)
  })

  test.each(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:8080', '192.168.1.1', '[fe80::1]', 'x'])(
    'Host %s is refused on loopback',
    async (host) => {
      const at = await start()
      expect(await statusWith(at, { host })).toBe(403)
      // An admitted Host is remembered; that must not admit another.
      expect(await statusWith(at, { host: 'localhost' })).toBe(200)
      expect(await statusWith(at, { host })).toBe(403)
      expect(await statusWith(at, { host }, '/healthz')).toBe(403)
    },
  )

  test('a configured Host is admitted', async () => {
    expect(await statusWith(await start({ allowedHosts: ['desk.example'] }), { host: 'Desk.Example:8080' })).toBe(200)
  })

  test('pages of other origins may not call, own and configured ones may', async () => {
    const at = await start({ allowedOrigins: ['https://desk.example'] })
    const host = `127.0.0.1:${at.port}`
    for (const [origin, status] of [
      ['https://evil.example', 403],
      ['null', 403],
      [`http://127.0.0.1:${at.port + 1}`, 403],
      [`http://${host}`, 200],
      ['https://desk.example', 200],
    ] as const)
      expect([origin, await statusWith(at, { host, origin })]).toEqual([origin, status])
  })

  test('the WebSocket of a foreign page is refused before the upgrade', async () => {
    const at = await start()
    expect(await refusedUpgrade(at, '', { origin: 'https://evil.example' })).toEqual({ status: 403, code: 'origin-not-allowed' })
    expect(await refusedUpgrade(at, '', { host: 'evil.example' })).toEqual({ status: 403, code: 'host-not-allowed' })
    const own = new FeedClient(at, '', [], { origin: at.url })
    await own.opened
    await own.cut()
  })
})

describe('credentials', () => {
  test('roles reach what they are for and nothing else', async () => {
    const at = await start({ credentials: CREDENTIALS })
    const read = async (headers: Record<string, string>) => (await fetch(`${at.url}/v1/models`, { headers })).status
    const write = async (headers: Record<string, string>) =>
      (await post(`${at.url}/v1/events`, JSON.stringify(payment()), 'application/json', headers)).status
    expect([await read({}), await read(bearer('x')), await read({ authorization: 'Basic cjpy' })]).toEqual([401, 401, 401])
    expect([await read(bearer('r')), await read(bearer('p')), await read(bearer('o'))]).toEqual([200, 403, 200])
    expect([await write(bearer('r')), await write(bearer('p')), await write(bearer('o'))]).toEqual([403, 202, 202])
    expect([
      (await fetch(`${at.url}/healthz`)).status,
      (await fetch(`${at.url}/`)).status,
      (await fetch(`${at.url}/metrics`)).status,
    ]).toEqual([200, 200, 401])
  })

  test('a 401 says how to authenticate and repeats no token', async () => {
    const at = await start({ credentials: CREDENTIALS })
    const response = await fetch(`${at.url}/v1/models`, { headers: bearer('x') })
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(await response.text()).not.toContain(token('x'))
    expect(reported.join()).not.toContain(token('x'))
  })

  test('the feed takes a token as header, or as subprotocol of which only the name is echoed', async () => {
    const at = await start({ credentials: CREDENTIALS })
    expect(await refusedUpgrade(at, '')).toEqual({ status: 401, code: 'unauthorized' })
    expect(await refusedUpgrade(at, '', bearer('p'))).toEqual({ status: 403, code: 'forbidden' })
    const header = new FeedClient(at, '', [], bearer('r'))
    await header.opened
    const browser = new FeedClient(at, '', ['scorestream.v1', `bearer.${token('r')}`])
    await browser.opened
    expect(browser.socket.protocol).toBe('scorestream.v1')
    await Promise.all([header.cut(), browser.cut()])
  })
})

describe('starting', () => {
  test.each(['0.0.0.0', '::', '192.168.1.5', 'desk.example'])('host %s without credentials is refused with the remedy', async (host) => {
    const settings = { ...SETTINGS, host }
    const engine = new SmallEngine()
    const started = startGateway({
      settings,
      engine,
      log: engine.log,
      report: console,
      sqlUrl: '',
    })
    await expect(started).rejects.toThrow(/gateway\.credentials is empty.*openssl rand.*127\.0\.0\.1/s)
    expect(refusals({ ...settings, credentials: CREDENTIALS })).toEqual([])
  })

  test('short or odd tokens are refused without being shown', () => {
    const [short, odd] = refusals({
      ...SETTINGS,
      credentials: [
        { name: 'a', token: 'hunter2', role: 'reader' },
        { name: 'b', token: `${token('x')} ;`, role: 'reader' },
      ],
    })
    expect(short).toContain('credentials[0].token ("a") has 7 characters')
    expect(odd).toContain('credentials[1]')
    expect(`${short}${odd}`).not.toContain('hunter2')
  })

  test('a port in use is named with the remedy', async () => {
    const first = await start()
    await expect(serve(new SmallEngine(), { port: first.port })).rejects.toThrow(
      new RegExp(`port ${first.port} on 127\\.0\\.0\\.1 is in use by another process.*SCORESTREAM_PORT`),
    )
  })

  test('an address of another machine is named', async () => {
    await expect(serve(new SmallEngine(), { host: '203.0.113.7', credentials: CREDENTIALS })).rejects.toThrow(
      /203\.0\.113\.7.*EADDRNOTAVAIL.*SCORESTREAM_HOST/,
    )
  })
})
