import { expect, test } from 'vitest'
import { avroSchemaOf } from '#schemas/avro.ts'
import { CATALOG } from '#schemas/catalog.ts'
import { EVENT_SCHEMAS } from '#schemas/events.ts'

interface Field {
  readonly type?: string
  readonly items?: Field
  readonly properties?: Readonly<Record<string, Field>>
  readonly anyOf?: readonly Field[]
  readonly [fact: string]: unknown
}

const leaves = (schema: Field, path: string): { path: string; field: Field }[] => {
  if (schema.properties) return Object.entries(schema.properties).flatMap(([name, one]) => leaves(one, `${path}.${name}`))
  if (schema.anyOf?.[1]?.type === 'null') return leaves(schema.anyOf[0]!, path)
  if (schema.type === 'array' && schema.items?.properties) return [{ path, field: schema }, ...leaves(schema.items, `${path}[]`)]
  return [{ path, field: schema }]
}

test('every field of every schema has a meaning, a unit, a privacy class and a range', () => {
  const all = [...Object.values(EVENT_SCHEMAS), ...CATALOG.map(({ schema }) => schema)].flatMap((schema) =>
    leaves(schema as unknown as Field, (schema as unknown as { title: string }).title),
  )
  expect(all.length).toBeGreaterThan(100)
  const bare = all.filter(({ path, field }) => !path.endsWith('.kind') && !(field['description'] && field['unit'] && field['pii']))
  expect(bare.map(({ path }) => path)).toEqual([])
  const unbounded = all.filter(({ field }) => {
    if (field.type === 'integer' || field.type === 'number') return field['minimum'] === undefined || field['maximum'] === undefined
    if (field.type === 'array') return field['maxItems'] === undefined
    if (field.type === 'object') return field['maxProperties'] === undefined
    const bounds = ['pattern', 'enum', 'maxLength', 'const', 'format', 'contentEncoding']
    return field.type === 'string' && !bounds.some((bound) => field[bound] !== undefined)
  })
  expect(unbounded.map(({ path }) => path)).toEqual([])
})

test('every privacy class and Avro form is one that is declared', () => {
  const text = JSON.stringify([EVENT_SCHEMAS, CATALOG])
  const used = (key: string): string[] =>
    [...new Set([...text.matchAll(new RegExp(`"${key}":"([^"]*)"`, 'g'))].map((match) => match[1]!))].toSorted()
  expect(used('pii')).toEqual(['none', 'protected', 'pseudonym', 'quasi', 'sensitive'])
  expect(used('avro')).toEqual(['bytes', 'double', 'float32-vector', 'float64-vector', 'int', 'long', 'sha256', 'timestamp-millis'])
})

test('every Avro field of the log says what it means, in which unit, and how private it is', () => {
  const fieldsOf = (type: unknown): { name: string; doc?: string; unit?: string; pii?: string; type: unknown }[] => {
    if (Array.isArray(type)) return type.flatMap(fieldsOf)
    if (typeof type !== 'object' || type === null) return []
    const { fields = [], items } = type as { fields?: { name: string; type: unknown }[]; items?: unknown }
    return [...fields, ...fields.flatMap((field) => fieldsOf(field.type)), ...fieldsOf(items)]
  }
  const fields = CATALOG.flatMap(({ schema }) => fieldsOf(avroSchemaOf(schema)))
  expect(fields.length).toBeGreaterThan(100)
  const records = ['envelope', 'body', 'stages']
  expect(fields.filter((one) => !records.includes(one.name) && !(one.doc && one.unit && one.pii)).map(({ name }) => name)).toEqual([])
})
