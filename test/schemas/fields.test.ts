import { expect, test } from 'vitest'
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
    if (field.type === 'integer' || field.type === 'number') return field['minimum'] === undefined
    if (field.type === 'string')
      return !(
        field['pattern'] ||
        field['enum'] ||
        field['maxLength'] ||
        field['const'] ||
        field['format'] ||
        field['contentEncoding'] ||
        field['pii'] === 'none'
      )
    return false
  })
  expect(unbounded.map(({ path }) => path)).toEqual([])
})
