/** Everything a producer can get wrong, over HTTP against the real engine: what it is told, what is kept, and that the engine lives on. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeadLetter } from '#schemas/dead-letter.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { decodeDeadLetter } from '#schemas/wire.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { eventsOf } from '../crash/events.ts'

interface Problem {
  readonly code: string
  readonly detail: string
  readonly errors?: readonly { pointer: string; value: string; expected: string; remedy: string }[]
}

const folder = mkdtempSync(join(tmpdir(), 'scorestream-bad-input-'))
const dataDir = join(folder, 'data')
let engine: EngineProcess

beforeAll(async () => {
  engine = await startEngine(dataDir)
})
afterAll(async () => {
  await engine.kill()
  rmSync(folder, { recursive: true, force: true })
})

const post = async (body: string | Uint8Array, path = '/v1/events', type = 'application/json') => {
  const response = await fetch(`${engine.http}${path}`, { method: 'POST', headers: { 'content-type': type }, body: Buffer.from(body) })
  const text = await response.text()
  return { status: response.status, type: response.headers.get('content-type'), text }
}
const problemOf = (text: string): Problem => JSON.parse(text) as Problem

const deadLetters = async (): Promise<DeadLetter[]> => {
  const log = openReadOnly({ folder: join(dataDir, 'log'), partitions: topicPartitions(12), topics: ['dead-letters'] })
  const letters: DeadLetter[] = []
  for (let partition = 0; partition < 12; partition++)
    for (let at = 0; ;) {
      const page = await log.read('dead-letters', partition, at, 1e6)
      if (page.length === 0) break
      for (const { value, offset } of page) {
        const letter = decodeDeadLetter(value)
        if (letter.kind === 'accepted') letters.push(letter.value)
        at = offset + 1
      }
    }
  await log.close()
  return letters
}

const application = {
  eventId: 'bad-1',
  kind: 'application',
  applicantId: 'tw-90001',
  eventTime: '2005-09-14T08:30:00Z',
  producer: 'bad-input',
  applicationId: 'bad-1',
  product: 'credit-line',
  amount: 500_000,
  currency: 'TWD',
  termMonths: 0,
  purpose: 'line increase',
  channel: 'online',
}
/** The application with some fields set otherwise, as JSON text. */
const but = (change: object): string => JSON.stringify({ ...application, ...change })
/** The application with a field whose value is given as JSON text. */
const raw = (name: string, value: string): string => JSON.stringify({ ...application, [name]: '@' }).replace('"@"', value)
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
const DAY_MS = 86_400_000

interface Case {
  readonly what: string
  readonly body: string | Uint8Array
  readonly status: number
  readonly code: string
  /** The field at fault, with what is shown of its value and what to do; absent where the whole is at fault. */
  readonly pointer?: string
  readonly value?: RegExp
  readonly remedy?: RegExp
}

const CASES: readonly Case[] = [
  { what: 'nothing', body: '', status: 400, code: 'malformed-json' },
  { what: 'malformed JSON', body: '{"eventId": "x", ', status: 400, code: 'malformed-json' },
  { what: 'two documents', body: `${but({})}${but({})}`, status: 400, code: 'malformed-json' },
  { what: 'invalid UTF-8', body: Buffer.from(but({}).replace('line', '\u00ff'), 'latin1'), status: 400, code: 'invalid-utf8' },
  {
    what: 'text for a number',
    body: but({ amount: '500000' }),
    status: 422,
    code: 'schema-violation',
    pointer: '/amount',
    value: /string/,
    remedy: /number, without quotes/,
  },
  { what: 'a number for text', body: but({ purpose: 7 }), status: 422, code: 'schema-violation', pointer: '/purpose' },
  { what: 'null', body: but({ currency: null }), status: 422, code: 'schema-violation', pointer: '/currency', value: /null/ },
  {
    what: 'an unknown kind',
    body: but({ kind: 'aplication' }),
    status: 422,
    code: 'unknown-kind',
    pointer: '/kind',
    value: /aplication/,
    remedy: /did you mean "application"/,
  },
  { what: 'no kind', body: but({ kind: undefined }), status: 422, code: 'unknown-kind', pointer: '/kind', value: /absent/ },
  {
    what: 'an unknown field',
    body: but({ incomMonthly: 1 }),
    status: 422,
    code: 'schema-violation',
    pointer: '/incomMonthly',
    remedy: /did you mean "incomeMonthly"/,
  },
  {
    what: 'a missing field',
    body: but({ applicationId: undefined }),
    status: 422,
    code: 'schema-violation',
    pointer: '/applicationId',
    value: /absent/,
    remedy: /send applicationId/,
  },
  { what: 'negative income', body: but({ incomeMonthly: -1 }), status: 422, code: 'schema-violation', pointer: '/incomeMonthly' },
  { what: 'half a cent', body: but({ amount: 0.5 }), status: 422, code: 'schema-violation', pointer: '/amount' },
  { what: '1e999', body: raw('amount', '1e999'), status: 422, code: 'schema-violation', pointer: '/amount' },
  {
    what: 'the year 9999',
    body: but({ eventTime: '9999-12-31T00:00:00Z' }),
    status: 422,
    code: 'schema-violation',
    pointer: '/eventTime',
    value: /9999/,
    remedy: /RFC 3339/,
  },
  { what: '30 February', body: but({ eventTime: '2005-02-30T00:00:00Z' }), status: 422, code: 'schema-violation', pointer: '/eventTime' },
  { what: 'a text of 11 MB', body: but({ purpose: 'x'.repeat(11 << 20) }), status: 413, code: 'too-large' },
  {
    what: 'an identifier of 2,000 characters',
    body: but({ eventId: 'x'.repeat(2_000) }),
    status: 422,
    code: 'schema-violation',
    pointer: '/eventId',
  },
  { what: '20,000 nested arrays', body: `${'['.repeat(20_000)}${']'.repeat(20_000)}`, status: 422, code: 'schema-violation' },
  {
    what: '20,000 nested arrays in a field',
    body: raw('purpose', `${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    status: 422,
    code: 'schema-violation',
    pointer: '/purpose',
    value: /an array of 1/,
  },
  {
    what: '20,000 nested objects',
    body: `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    status: 422,
    code: 'unknown-kind',
    pointer: '/kind',
  },
  {
    what: '__proto__ for the event',
    body: `{"__proto__": ${but({})}}`,
    status: 422,
    code: 'unknown-kind',
    pointer: '/kind',
    value: /absent/,
  },
  {
    what: '__proto__ among the fields',
    body: but({}).replace('{', '{"__proto__": {"amount": 1}, '),
    status: 422,
    code: 'schema-violation',
    pointer: '/__proto__',
    remedy: /leave it out/,
  },
  { what: 'the kind "constructor"', body: but({ kind: 'constructor' }), status: 422, code: 'unknown-kind', pointer: '/kind' },
  { what: 'half a surrogate pair', body: but({ purpose: '\ud83d' }), status: 422, code: 'schema-violation', pointer: '/purpose' },
  {
    what: 'an event older than is accepted',
    body: but({ eventTime: inMs(-45 * 365 * DAY_MS) }),
    status: 422,
    code: 'too-old',
    pointer: '/eventTime',
    value: /T/,
    remedy: /backfill|raise/,
  },
  {
    what: 'an event from the future',
    body: but({ eventTime: inMs(3_600_000) }),
    status: 422,
    code: 'too-far-ahead',
    pointer: '/eventTime',
    value: /T/,
    remedy: /clock/,
  },
]

describe('is told which field, which value and what to do, and is kept with its reason and its bytes:', () => {
  test.for(CASES)('$what', async ({ body, status, code, pointer, value = /./, remedy = /./ }) => {
    const answer = await post(body)
    expect(answer).toMatchObject({ status, type: 'application/problem+json' })
    const problem = problemOf(answer.text)
    expect(problem.code).toBe(code)
    expect(problem.detail).toMatch(/.{10}/)
    if (pointer !== undefined) {
      const error = problem.errors?.find((one) => one.pointer === pointer)
      expect(error).toMatchObject({
        value: expect.stringMatching(value),
        expected: expect.stringMatching(/./),
        remedy: expect.stringMatching(remedy),
      })
    }
    const letter = (await deadLetters()).findLast((one) => one.code === code)
    expect(letter).toMatchObject({ source: 'http', partition: null, offset: null })
    expect(Buffer.from(body).equals(letter?.bytes ?? Buffer.alloc(1))).toBe(true)
    expect(letter?.errors.map((one) => one.pointer)).toEqual((problem.errors ?? []).map((one) => one.pointer))
  })

  test('a body above the bound of a request, of which the beginning is kept', async () => {
    const body = but({ purpose: 'x'.repeat(17 << 20) })
    const answer = await post(body).catch(() => undefined)
    // The engine answers without reading on; a client still sending may see the connection close instead.
    if (answer !== undefined) expect(problemOf(answer.text)).toMatchObject({ code: 'too-large' })
    const letter = (await deadLetters()).findLast(({ code }) => code === 'too-large')
    expect(letter?.detail).toMatch(/the body exceeds 16777216 bytes/)
    expect(body.startsWith(Buffer.from(letter?.bytes ?? []).toString())).toBe(true)
  })

  test('a line among good ones, by its number, and the good ones are taken', async () => {
    const lines = [
      but({ eventId: 'line-1', applicationId: 'line-1' }),
      '{"kind":',
      but({ eventId: 'line-3', applicationId: 'line-3', amount: -5 }),
    ]
    const { status, text } = await post(lines.join('\n'), '/v1/events', 'application/x-ndjson')
    expect(status).toBe(207)
    const results = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; status: string; problem?: Problem })
    expect(results).toMatchObject([
      { line: 1, status: 'accepted' },
      { line: 2, status: 'rejected', problem: { code: 'malformed-json' } },
      { line: 3, status: 'rejected', problem: { code: 'schema-violation', errors: [{ pointer: '/amount' }] } },
    ])
    const kept = (await deadLetters()).slice(-2).map(({ bytes }) => Buffer.from(bytes).toString())
    expect(kept).toEqual(lines.slice(1))
  })

  test('a media type that is none of ours', async () => {
    const { status, text } = await post(but({}), '/v1/events', 'text/xml')
    expect(status).toBe(415)
    expect(problemOf(text).detail).toMatch(/application\/x-ndjson/)
  })
})

describe('a repeat', () => {
  const event = (amount: number): string => but({ eventId: 'twice', applicationId: 'twice', amount })

  test('with the same bytes is accepted again, with other bytes refused; the first stands and the second is kept', async () => {
    const first = await post(event(1))
    expect(first.status).toBe(202)
    const { position } = JSON.parse(first.text) as { position: { partition: number; offset: number } }
    for (let again = 0; again < 3; again++) {
      const repeat = await post(event(1))
      expect(repeat.status).toBe(200)
      expect(JSON.parse(repeat.text)).toMatchObject({ duplicate: true, position })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const other = await post(event(2))
    expect(other.status).toBe(409)
    expect(problemOf(other.text)).toMatchObject({
      code: 'duplicate-conflict',
      detail: expect.stringContaining(`as ${position.partition}-${position.offset}; the first stands`),
      errors: [{ pointer: '/eventId', value: 'twice', remedy: expect.stringContaining('eventId of its own') }],
    })
    const letter = (await deadLetters()).at(-1)
    expect(letter).toMatchObject({
      code: 'duplicate-conflict',
      detail: expect.stringContaining(`${position.partition}-${position.offset}`),
    })
    expect(Buffer.from(letter?.bytes ?? []).toString()).toBe(event(2))
  })

  test('of an application is answered with the decision of the first', async () => {
    const body = but({ eventId: 'decided-twice', applicationId: 'decided-twice' })
    const [first, second] = [await post(body, '/v1/applications'), await post(body, '/v1/applications')]
    expect(first.status).toBe(200)
    expect(JSON.parse(second.text)).toEqual(JSON.parse(first.text))
  })
})

/** Every file below a folder. */
const filesIn = (at: string): string[] =>
  readdirSync(at).flatMap((name) => (statSync(join(at, name)).isDirectory() ? filesIn(join(at, name)) : [join(at, name)]))

describe('protected attributes', () => {
  // No part of it may be found anywhere: it is long enough not to be there by chance.
  const MARKER = 'qzxmarkerwv'
  const attribute = {
    ...application,
    kind: 'protected',
    product: undefined,
    amount: undefined,
    currency: undefined,
    termMonths: undefined,
    purpose: undefined,
    channel: undefined,
    applicationId: undefined,
  }
  const protectedEvent = (eventId: string, change: object = {}): string =>
    JSON.stringify({ ...attribute, eventId, attributes: { sex: MARKER }, ...change })

  test('lie in no log, state, dead letter or output, whether the event that brings them is sound, broken or of another kind', async () => {
    expect((await post(protectedEvent('p-1'))).status).toBe(202)
    expect((await post(protectedEvent('p-1'))).status).toBe(200)
    const refused = [
      protectedEvent('p-1', { attributes: { sex: `${MARKER}2` } }),
      protectedEvent('p-2', { attributes: { Sex: MARKER } }),
      protectedEvent('p-3', { attributes: { sex: [MARKER] } }),
      protectedEvent('p-4', { attributes: MARKER }),
      protectedEvent('p-5', { eventTime: MARKER }),
      protectedEvent('p-6', { kind: 'protectd' }),
      protectedEvent('p-7', { kind: 'statement' }),
      protectedEvent('p-8').slice(0, -1),
      protectedEvent('p-9').replace(`"${MARKER}"`, MARKER),
      Buffer.from(protectedEvent('p-10', { tenant: '\u00ff' }), 'latin1'),
      but({ eventId: 'p-11', sex: MARKER }),
      but({ eventId: 'p-12', maritalStatus: MARKER }),
    ]
    const before = (await deadLetters()).length
    for (const body of refused) expect((await post(body)).status).toBeGreaterThanOrEqual(400)
    expect((await post(protectedEvent('p-13'), '/v1/applications')).status).toBe(422)
    const batch = await post(refused.map((one) => Buffer.from(one).toString('latin1')).join('\n'), '/v1/events', 'application/x-ndjson')
    expect(batch.status).toBe(207)
    // The conflict of the vault leaves nothing; of everything else the reason is kept.
    const letters = (await deadLetters()).slice(before)
    expect(letters).toHaveLength(2 * (refused.length - 1) + 1)
    for (const letter of letters)
      expect(letter).toMatchObject({ bytes: Buffer.alloc(0), detail: expect.stringMatching(/bytes are withheld/) })
    expect(engine.complaints()).not.toContain(MARKER)
    const holding = filesIn(dataDir).filter((path) => readFileSync(path).includes(MARKER))
    expect(holding).toEqual([])
    expect(filesIn(join(dataDir, 'vault')).length).toBeGreaterThan(1)
  })
})

test('after all of this the engine is ready and decides', async () => {
  const ready = await fetch(`${engine.http}/readyz`)
  expect(ready.status).toBe(200)
  const events = eventsOf(3)
  for (const event of events.filter(({ kind }) => kind !== 'application' && kind !== 'outcome'))
    expect((await post(JSON.stringify(eventToJson(event)))).status).toBe(202)
  for (const event of events.filter(({ kind }) => kind === 'application')) {
    const { status, text } = await post(JSON.stringify(eventToJson(event)), '/v1/applications?deadlineMs=5000')
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ decision: expect.stringMatching(/approve|refer|decline/), degraded: null })
  }
  expect(await engine.end()).toBe(0)
  expect(
    engine
      .complaints()
      .trim()
      .split('\n')
      .filter((line) => line.includes('"level":50')),
  ).toEqual([])
})
