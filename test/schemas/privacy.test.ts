import { expect, test } from 'vitest'
import { EVENT_KINDS, EVENT_SCHEMAS } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { fieldsOfClass, maskEvent } from '#schemas/privacy.ts'
import { SAMPLES } from './sample-events.ts'

test('of every sample event only fields that say nothing of a person, and pseudonyms, are shown', () => {
  for (const event of SAMPLES) {
    const json = eventToJson(event)
    const masked = maskEvent(json) as Record<string, unknown>
    const properties = EVENT_SCHEMAS[event.kind].properties as Record<string, { pii?: string }>
    for (const [name, value] of Object.entries(json)) {
      const open = name === 'kind' || properties[name]?.pii === 'none' || properties[name]?.pii === 'pseudonym'
      if (open) expect(masked[name]).toEqual(value)
      else expect(masked[name]).toMatch(/^••• \(/)
    }
  }
})

test('what no schema describes is hidden', () => {
  expect(maskEvent({ kind: 'application', strange: 'secret' })).toEqual({ kind: 'application', strange: '••• (string)' })
  expect(maskEvent({ kind: 'nonsense', amount: 5, eventId: 'e1' })).toEqual({ kind: 'nonsense', amount: '••• (number)', eventId: 'e1' })
  expect(maskEvent({ kind: 'application', eventId: { name: 'secret' } })).toEqual({ kind: 'application', eventId: '••• (object)' })
  expect(maskEvent(['secret'])).toBe('••• (array)')
  expect(maskEvent('secret')).toBe('••• (string)')
})

test('the fields of a class are those of every kind', () => {
  for (const kind of EVENT_KINDS)
    for (const [name, schema] of Object.entries(EVENT_SCHEMAS[kind].properties) as [string, { pii?: never }][])
      if (schema.pii !== undefined) expect(fieldsOfClass(schema.pii)).toContain(name)
  expect(fieldsOfClass('protected')).toEqual(['attributes'])
})
