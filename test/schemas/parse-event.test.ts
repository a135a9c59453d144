import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_BYTES_MAX, eventToJson, parseEvent } from '#schemas/parse-event.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { SAMPLES } from './sample-events.ts'

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
    ['20,000 nested arrays', nested(20_000), 'schema-violation', null],
    ['20,000 nested arrays in a field', text(payment).replace(':100', `:${nested(20_000)}`), 'schema-violation', '/amount'],
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
    ['a local time', text({ ...payment, eventTime: '2005-09-14 08:30' }), 'schema-violation', '/eventTime'],
    ['a month 13', text({ ...payment, period: '2005-13' }), 'schema-violation', '/period'],
    ['a field of the prototype', text(payment).replace('{', '{"__proto__":{"admin":true},'), 'schema-violation', '/__proto__'],
    ['an unknown field', text({ ...payment, acountId: 'c' }), 'schema-violation', '/acountId'],
    ['a missing field', text({ ...payment, accountId: undefined }), 'schema-violation', '/accountId'],
    ['a lone surrogate', text({ ...application, purpose: '\ud800' }), 'schema-violation', '/purpose'],
    ['an identifier with a line break', text({ ...payment, eventId: 'a\nb' }), 'schema-violation', '/eventId'],
    ['an 11 MB string', text({ ...payment, accountId: 'x'.repeat(11_000_000) }), 'too-large', null],
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
