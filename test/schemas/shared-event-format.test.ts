import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { SharedEventFormat } from '#schemas/shared-event-format.ts'
import { encodeEvent } from '#schemas/wire.ts'
import { SAMPLES } from './sample-events.ts'

const format = new SharedEventFormat()
const events: readonly CreditEvent[] = SAMPLES
const sampleOf = <Kind extends CreditEvent['kind']>(kind: Kind) =>
  events.find((event): event is CreditEvent & { kind: Kind } => event.kind === kind) as CreditEvent & { kind: Kind }
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const decoded = (bytes: Uint8Array): unknown => {
  const found = format.decode(bytes)
  return found.kind === 'accepted' ? plain(found.value) : found.rejection
}

describe.each(events.map((event) => [event.kind, event] as const))('%s', (_, event) => {
  it('is the same event, sent as Avro or as JSON', () => {
    expect(decoded(encodeEvent(event))).toEqual(plain(event))
    expect(decoded(Buffer.from(JSON.stringify(eventToJson(event))))).toEqual(plain(event))
    expect(decoded(Buffer.from(` \r\n\t${JSON.stringify(eventToJson(event))}`))).toEqual(plain(event))
  })

  it('sent as Avro, is refused for an identifier that JSON would be refused for', () => {
    const found = format.decode(encodeEvent({ ...event, producer: 'no blanks allowed' }))
    expect(found).toMatchObject({ kind: 'rejected', rejection: { code: 'schema-violation' } })
    expect(found.kind === 'rejected' && found.rejection.errors[0]?.pointer).toBe('/producer')
  })
})

it('a number out of range is named with its field, whoever wrote it', () => {
  const bytes = encodeEvent({ ...sampleOf('application'), termMonths: 9_000 })
  expect(format.decode(bytes)).toMatchObject({
    kind: 'rejected',
    rejection: { code: 'schema-violation', errors: [{ pointer: '/termMonths' }] },
  })
})

it('an instant before 1970 or beyond 2200 is refused', () => {
  for (const eventTime of [-1, 9e12, 8.7e15])
    expect(format.decode(encodeEvent({ ...sampleOf('payment'), eventTime } as CreditEvent))).toMatchObject({ kind: 'rejected' })
})

it('protected attributes are refused in the log', () => {
  const bytes = Buffer.from(
    JSON.stringify({
      eventId: 'e',
      applicantId: 'a',
      eventTime: '2020-01-01T00:00:00Z',
      producer: 'p',
      kind: 'protected',
      attributes: { sex: 'x' },
    }),
  )
  expect(format.decode(bytes)).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-kind' } })
})

it('no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => ['accepted', 'rejected'].includes(format.decode(bytes).kind)))
  const whole = encodeEvent(sampleOf('payment'))
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const broken = Uint8Array.from(whole)
      broken[at] = byte
      return ['accepted', 'rejected'].includes(format.decode(broken).kind)
    }),
  )
})
