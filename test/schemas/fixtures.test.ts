import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { avroSchemaOf } from '#schemas/avro.ts'
import { CATALOG, EVENT_SCHEMA_IDS } from '#schemas/catalog.ts'
import { SAMPLES } from './sample-events.ts'

const folder = join(import.meta.dirname, '../fixtures/schemas')
const samples = JSON.parse(JSON.stringify(SAMPLES.map((event) => ({ id: EVENT_SCHEMA_IDS[event.kind], event })))) as unknown

if (process.env['UPDATE_FIXTURES']) {
  writeFileSync(join(folder, 'samples.json'), `${JSON.stringify(samples, null, 1)}\n`)
  writeFileSync(
    join(folder, 'schemas.json'),
    `${JSON.stringify(
      CATALOG.map(({ id, schema }) => ({ id, avro: avroSchemaOf(schema) })),
      null,
      1,
    )}\n`,
  )
}

test('the samples the golden bytes were made from are the samples of today', () => {
  expect(JSON.parse(readFileSync(join(folder, 'samples.json'), 'utf8'))).toEqual(samples)
})
