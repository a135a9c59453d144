import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { DeadLetterSchema } from '#schemas/dead-letter.ts'
import { EVENT_BYTES_MAX, eventOf, eventToJson, parseEvent } from '#schemas/parse-event.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { SAMPLES } from './sample-events.ts'
import { LETTER } from './sample-records.ts'

/** What is refused must fit into a dead letter, in its JSON form. */
const LETTERS = Compile(DeadLetterSchema)

const payment = {
  eventId: 'e-1',
  kind: 'payment',
  applicantId: 'tw-1',
  eventTime: '2005-09-14T08:30:00Z',
  producer: 'core',
  accountId: 'c-1',
  amount: 100,
  currency: 'TWD',
}
const application = { ...eventToJson(SAMPLES[0]!) }
const text = (value: object): string => JSON.stringify(value)
const parse = (body: string | Uint8Array) => parseEvent(typeof body === 'string' ? Buffer.from(body) : body)
const refusal = (body: string | Uint8Array): Rejection => {
  const parsed = parse(body)
  if (parsed.kind !== 'rejected') throw new Error('accepted')
  return parsed.rejection
}

test('instants of any offset become milliseconds', () => {
  for (const [given, milliseconds] of [
    ['2005-09-14T08:30:00Z', 1_126_686_600_000],
    ['2005-09-14T16:30:00+08:00', 1_126_686_600_000],
    ['2005-09-14T08:30:00.125Z', 1_126_686_600_125],
    ['1970-01-01T00:00:00Z', 0],
  ] as const)
    expect(parse(text({ ...payment, eventTime: given }))).toMatchObject({ kind: 'accepted', value: { eventTime: milliseconds } })
})

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('bad input gets a code, the place and a remedy', () => {
  const cases: readonly (readonly [string, string | Uint8Array, Rejection['code'], string | null])[] = [
    ['cut off', '{"kind":', 'malformed-json', null],
    ['empty', '', 'malformed-json', null],
    ['two documents', `${text(payment)}${text(payment)}`, 'malformed-json', null],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid-utf8', null],
    ['overlong UTF-8', Buffer.concat([Buffer.from('{"kind":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]), 'invalid-utf8', null],
    ['an array', '[]', 'schema-violation', null],
    ['null', 'null', 'schema-violation', null],
    ['20,000 nested arrays', nested(20_000), 'too-deep', '/0/0/0/0/0/0/0/0'],
    ['500,000 arrays that are never closed', '['.repeat(500_000), 'too-deep', '/0/0/0/0/0/0/0/0'],
    ['20,000 nested arrays in a field', text(payment).replace(':100', `:${nested(20_000)}`), 'too-deep', '/amount/0/0/0/0/0/0/0'],
    ['an array for a number', text({ ...payment, amount: [1] }), 'schema-violation', '/amount'],
    ['no kind', text({ ...payment, kind: undefined }), 'unknown-kind', '/kind'],
    ['an unknown kind', text({ ...payment, kind: 'paymnet' }), 'unknown-kind', '/kind'],
    ['a kind of the prototype', text({ ...payment, kind: 'constructor' }), 'unknown-kind', '/kind'],
    ['a wrong type', text({ ...payment, amount: '100' }), 'schema-violation', '/amount'],
    ['a fraction of a minor unit', text({ ...payment, amount: 1.5 }), 'schema-violation', '/amount'],
    ['a zero payment', text({ ...payment, amount: 0 }), 'schema-violation', '/amount'],
    ['1e999', text(payment).replace(':100', ':1e999'), 'schema-violation', '/amount'],
    ['beyond 2^53', text(payment).replace(':100', ':9007199254740993'), 'schema-violation', '/amount'],
    ['a negative income', text({ ...application, incomeMonthly: -1 }), 'schema-violation', '/incomeMonthly'],
    ['the year 9999', text({ ...payment, eventTime: '9999-01-01T00:00:00Z' }), 'schema-violation', '/eventTime'],
    ['the year 1950', text({ ...payment, eventTime: '1950-01-01T00:00:00Z' }), 'schema-violation', '/eventTime'],
    ['30 February', text({ ...payment, eventTime: '2005-02-30T00:00:00Z' }), 'schema-violation', '/eventTime'],
    ['a leap second', text({ ...payment, eventTime: '2016-12-31T23:59:60Z' }), 'schema-violation', '/eventTime'],
    ['24 o’clock', text({ ...payment, eventTime: '2005-09-14T24:00:00Z' }), 'schema-violation', '/eventTime'],
    ['an offset of 25 hours', text({ ...payment, eventTime: '2005-09-14T08:30:00+25:00' }), 'schema-violation', '/eventTime'],
    ['a time with a line break', text({ ...payment, eventTime: '2005-09-14T08:30:00Z\n' }), 'schema-violation', '/eventTime'],
    ['a local time', text({ ...payment, eventTime: '2005-09-14 08:30' }), 'schema-violation', '/eventTime'],
    ['a month 13', text({ ...payment, period: '2005-13' }), 'schema-violation', '/period'],
    ['a field of the prototype', text(payment).replace('{', '{"__proto__":{"admin":true},'), 'schema-violation', '/__proto__'],
    ['a field given twice', text(payment).replace('"amount":100', '"amount":100,"amount":999'), 'schema-violation', '/amount'],
    [
      'a field given twice, once in disguise',
      text(payment).replace('"amount":100', '"amount":100,"\\u0061mount":999'),
      'schema-violation',
      '/amount',
    ],
    [
      'a field given twice beside another fault',
      text(payment).replace('"amount":100', '"amount":-1,"currency":"EUR"'),
      'schema-violation',
      '/currency',
    ],
    ['an unknown field', text({ ...payment, acountId: 'c' }), 'schema-violation', '/acountId'],
    ['a missing field', text({ ...payment, accountId: undefined }), 'schema-violation', '/accountId'],
    ['a lone surrogate', text({ ...application, purpose: '\ud800' }), 'schema-violation', '/purpose'],
    ['an identifier with a line break', text({ ...payment, eventId: 'a\nb' }), 'schema-violation', '/eventId'],
    ['an 11 MB string', text({ ...payment, accountId: 'x'.repeat(11_000_000) }), 'too-large', null],
    [
      'a lone surrogate in a protected attribute',
      text({ ...payment, kind: 'protected', attributes: { sex: '\ud800' }, accountId: undefined, amount: undefined, currency: undefined }),
      'schema-violation',
      '/attributes/sex',
    ],
    [
      'a name in a protected event',
      text({
        ...payment,
        kind: 'protected',
        attributes: { 'Full Name': 'x' },
        accountId: undefined,
        amount: undefined,
        currency: undefined,
      }),
      'schema-violation',
      '/attributes/Full Name',
    ],
  ]
  test.each(cases)('%s', (_, body, code, pointer) => {
    const rejection = refusal(body)
    expect(rejection.code).toBe(code)
    expect(rejection.detail.length).toBeGreaterThan(10)
    if (pointer !== null) {
      const error = rejection.errors.find((one) => one.pointer === pointer)
      expect(error, JSON.stringify(rejection)).toBeDefined()
      expect(error!.expected.length * error!.remedy.length).toBeGreaterThan(0)
    }
    expect(JSON.stringify(rejection).length).toBeLessThan(8_000)
    expect(LETTERS.Check({ ...LETTER, ...rejection, receivedAt: '2005-09-14T08:30:00Z', bytes: '' })).toBe(true)
  })
})

test('errors never repeat a personal value, and say its type', () => {
  const rejection = refusal(text({ ...application, incomeMonthly: '123456789' }))
  expect(JSON.stringify(rejection)).not.toContain('123456789')
  expect(rejection.errors[0]).toMatchObject({
    pointer: '/incomeMonthly',
    value: '••• (string)',
    remedy: 'send a JSON number, without quotes',
  })
})

test('malformed JSON is placed by line and column, and none of it is repeated', () => {
  const rejection = refusal('{\n  "incomeMonthly": 123456,\n  "purpose": Scheidung\n}')
  expect(rejection.detail).toContain('line 3, column 14')
  expect(JSON.stringify(rejection)).not.toMatch(/Scheidung|123456/)
})

test('an instant outside the range is named beside the other errors', () => {
  expect(refusal(text({ ...payment, amount: -1, eventTime: '9999-01-01T00:00:00Z' })).errors.map((one) => one.pointer)).toEqual([
    '/amount',
    '/eventTime',
  ])
})

test('a rejected value is left as it was', () => {
  const value = { ...payment, eventTime: '2005-09-14T08:30:00Z', maturedAt: '9999-01-01T00:00:00Z' }
  expect(eventOf(value).kind).toBe('rejected')
  expect(value.eventTime).toBe('2005-09-14T08:30:00Z')
})

const two = (value: number): string => String(value).padStart(2, '0')

test('every RFC 3339 time is the instant that calendar arithmetic gives, cut to milliseconds', () => {
  const parts = fc.record({
    day: fc.integer({ min: 1, max: 28 }),
    month: fc.integer({ min: 1, max: 12 }),
    year: fc.integer({ min: 1971, max: 2198 }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.integer({ min: 0, max: 59 }),
    fraction: fc.stringMatching(/^(\.[0-9]{1,9})?$/),
    offset: fc.oneof(
      fc.constantFrom('Z', 'z'),
      fc.tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })),
    ),
    letter: fc.constantFrom('T', 't'),
  })
  fc.assert(
    fc.property(parts, ({ day, month, year, hour, minute, second, fraction, offset, letter }) => {
      const zone = typeof offset === 'string' ? offset : `${offset[0]}${two(offset[1])}:${two(offset[2])}`
      const shift = typeof offset === 'string' ? 0 : (offset[0] === '+' ? 1 : -1) * (offset[1] * 60 + offset[2])
      const milliseconds = Number(fraction.slice(1, 4).padEnd(3, '0'))
      const wanted = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - shift * 60_000
      const eventTime = `${year}-${two(month)}-${two(day)}${letter}${two(hour)}:${two(minute)}:${two(second)}${fraction}${zone}`
      expect(parse(text({ ...payment, eventTime }))).toMatchObject({ kind: 'accepted', value: { eventTime: wanted } })
    }),
    { numRuns: 500 },
  )
})

test('days that a month does not have are refused, in leap years and out of them', () => {
  for (let year = 1996; year <= 2005; year++)
    for (let month = 1; month <= 12; month++)
      for (let day = 28; day <= 31; day++) {
        const exists = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
        const eventTime = `${year}-${two(month)}-${two(day)}T12:00:00Z`
        expect([eventTime, parse(text({ ...payment, eventTime })).kind]).toEqual([eventTime, exists ? 'accepted' : 'rejected'])
      }
})

test('all errors of an event are named at once, at most sixteen', () => {
  expect(
    refusal(text({ ...payment, amount: -1, currency: 'x', period: 'y', eventTime: 'z' }))
      .errors.map((one) => one.pointer)
      .toSorted(),
  ).toEqual(['/amount', '/currency', '/eventTime', '/period'])
  expect(
    refusal(text({ ...payment, ...Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x${index}`, 1])) })).errors,
  ).toHaveLength(16)
})

test('a misspelt name gets the nearest known one', () => {
  expect(refusal(text({ ...payment, acountId: 'c' })).errors.find((one) => one.pointer === '/acountId')?.remedy).toContain('accountId')
  expect(refusal(text({ ...payment, kind: 'paymnet' })).errors[0]?.remedy).toContain('payment')
})

test('an event at the size limit is judged by its schema, one byte more by its size', () => {
  const room = EVENT_BYTES_MAX - text({ ...payment, accountId: '' }).length
  expect(refusal(text({ ...payment, accountId: 'x'.repeat(room) })).code).toBe('schema-violation')
  expect(refusal(text({ ...payment, accountId: 'x'.repeat(room + 1) })).code).toBe('too-large')
})

test('no bytes make the parser throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parse(bytes)))
  fc.assert(fc.property(fc.json(), (json) => void parse(json)))
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(...Object.keys(payment)),
      (value, field) => void parse(text({ ...payment, [field]: value })),
    ),
  )
})
