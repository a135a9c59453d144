import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { avroSchemaOf } from '#schemas/avro.ts'
import { CATALOG, EVENT_SCHEMA_IDS } from '#schemas/catalog.ts'
import { encodeEvent } from '#schemas/wire.ts'
import { SAMPLES } from './sample-events.ts'
import { jsonOf, RECORDS } from './sample-records.ts'

const folder = join(import.meta.dirname, '../fixtures/schemas')
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const fixture = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))

const inputs: Record<string, unknown> = {
  'samples.json': asJson(SAMPLES.map((event) => ({ id: EVENT_SCHEMA_IDS[event.kind], event }))),
  'records.json': asJson(RECORDS.map(({ id, record }) => ({ id, record: jsonOf(record) }))),
  'schemas.json': asJson(CATALOG.map(({ id, schema }) => ({ id, avro: avroSchemaOf(schema) }))),
}
if (process.env['UPDATE_FIXTURES'])
  for (const [name, value] of Object.entries(inputs)) writeFileSync(join(folder, name), `${JSON.stringify(value, null, 1)}\n`)

test.each(Object.keys(inputs))('%s, from which the golden bytes were made, is what the code says today', (name) => {
  expect(fixture(name)).toEqual(inputs[name])
})

// Written by fastavro 1.13.1 from the published schemas: python test/fixtures/schemas/make_golden.py
test('another Avro library writes the same bytes for every kind of event', () => {
  const golden = fixture('golden-events.json') as { hex: string }[]
  expect(SAMPLES.map((event) => Buffer.from(encodeEvent(event)).toString('hex'))).toEqual(golden.map(({ hex }) => hex))
  expect(new Set(SAMPLES.map(({ kind }) => kind)).size).toBe(Object.keys(EVENT_SCHEMA_IDS).length)
})

test('another Avro library writes the same bytes for decisions, claims, dead letters, alerts and model events', () => {
  const golden = fixture('golden-records.json') as { hex: string }[]
  expect(RECORDS.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(golden.map(({ hex }) => hex))
})
