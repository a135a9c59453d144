/** Avro schemas derived from the typebox sources: one record per kind, envelope and body flattened. */
import avsc from 'avsc'
import type { TSchema } from 'typebox'
import { BoundedArray, Float32Vector, Float64Vector, type Tap } from './avro-arrays.ts'

/** The part of a field's schema that decides its Avro type; every other key travels along as an attribute. */
interface FieldSchema {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly items?: FieldSchema
  readonly properties?: Readonly<Record<string, FieldSchema>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, FieldSchema>>
  readonly anyOf?: readonly FieldSchema[]
  readonly title?: string
  readonly description?: string
  readonly unit?: string
  readonly pii?: string
  readonly avro?: string
  readonly const?: unknown
}

type Json = string | { [key: string]: unknown } | Json[]

const nonNull = (schema: FieldSchema): FieldSchema | undefined => {
  const [first, second] = schema.anyOf ?? []
  return schema.anyOf?.length === 2 && second?.type === 'null' ? first : undefined
}

const typeOf = (schema: FieldSchema, path: string): Json => {
  const inner = nonNull(schema)
  if (inner) return ['null', typeOf(inner, path)]
  switch (schema.avro) {
    case 'timestamp-millis':
      return { type: 'long', logicalType: 'timestamp-millis' }
    case 'float32-vector':
      return { type: 'array', items: 'float', logicalType: 'float32-vector' }
    case 'float64-vector':
      return { type: 'array', items: 'double', logicalType: 'float64-vector' }
    case 'sha256':
      return { type: 'fixed', name: `${path.replaceAll('.', '_')}_sha256`, size: 32, logicalType: 'sha256' }
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'bytes':
      return schema.avro
    default:
      return structureOf(schema, path)
  }
}

/** The Avro type of a schema whose JSON type alone determines it. */
const structureOf = (schema: FieldSchema, path: string): Json => {
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'number':
      return 'double'
    case 'integer':
      return 'long'
    case 'array':
      return { type: 'array', items: typeOf(schema.items ?? {}, `${path}_item`) }
    case 'object':
      return schema.properties
        ? record(schema, path)
        : { type: 'map', values: typeOf(Object.values(schema.patternProperties ?? {})[0] ?? {}, path) }
    default:
      throw new TypeError(`no Avro type for ${path}: ${JSON.stringify(schema)}`)
  }
}

const record = (schema: FieldSchema, name: string): { [key: string]: unknown } => ({
  type: 'record',
  name,
  namespace: 'scorestream',
  ...(schema.description ? { doc: schema.description } : {}),
  fields: Object.entries(schema.properties ?? {})
    // The kind is the schema's own identity.
    .filter(([field, one]) => !(field === 'kind' && one.const !== undefined))
    .map(([field, one]) => {
      const optional = !(schema.required ?? []).includes(field)
      const type = typeOf(one, `${name}_${field}`)
      const { description, unit, pii } = nonNull(one) ?? one
      return {
        name: field,
        type: optional ? ['null', type] : type,
        ...(optional ? { default: null } : {}),
        ...(description ? { doc: description } : {}),
        ...(unit ? { unit } : {}),
        ...(pii ? { pii } : {}),
      }
    }),
})

/** `subject-request` → `SubjectRequest`: Avro names allow no hyphen. */
const avroName = (title: string): string => title.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())

/** The Avro schema, as JSON, of a typebox object with a title. */
export const avroSchemaOf = (schema: TSchema): { [key: string]: unknown } => {
  const object = schema as FieldSchema
  if (!object.title) throw new TypeError('an Avro record needs a title')
  return record(object, avroName(object.title))
}

/** Instants stay plain numbers; the annotation is for other readers. */
class TimestampMillis extends avsc.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value
  }
  protected override _toValue(value: unknown): unknown {
    return value
  }
  /** Writers that only say `long` count milliseconds too; anything else is no instant. */
  protected override _resolve(writer: avsc.Type): ((value: unknown) => unknown) | undefined {
    return writer instanceof TimestampMillis || writer.typeName === 'long' || writer.typeName === 'int' ? (value) => value : undefined
  }
}

const SHA_256_BYTES = 32

/** 32 bytes in the log, 64 hexadecimal digits everywhere else. Written and read in place, without a buffer between. */
class Sha256 extends avsc.types.LogicalType {
  _read(tap: Tap): string {
    const start = tap.pos
    tap.pos += SHA_256_BYTES
    return tap.pos > tap.buf.length ? '' : tap.buf.toString('hex', start, tap.pos)
  }
  _write(tap: Tap, value: unknown): void {
    const start = tap.pos
    tap.pos += SHA_256_BYTES
    if (typeof value !== 'string' || value.length !== 2 * SHA_256_BYTES)
      throw new TypeError(`expected 64 hexadecimal digits, got ${String(value)}`)
    // Where the buffer is too small the position alone moves on: the caller learns how much is missing.
    if (tap.pos <= tap.buf.length && tap.buf.write(value, start, SHA_256_BYTES, 'hex') !== SHA_256_BYTES)
      throw new TypeError(`expected 64 hexadecimal digits, got ${value}`)
  }
  protected override _fromValue(value: unknown): string {
    return (value as Buffer).toString('hex')
  }
  protected override _toValue(value: unknown): unknown {
    return typeof value === 'string' && value.length === 64 ? Buffer.from(value, 'hex') : undefined
  }
}

const LOGICAL_TYPES = {
  'timestamp-millis': TimestampMillis,
  'float32-vector': Float32Vector,
  'float64-vector': Float64Vector,
  sha256: Sha256,
}

/** Arrays without a logical type are read within bounds; those with one are vectors, which see to it themselves. */
const typeHook = (schema: avsc.Schema, options: object): avsc.Type | undefined =>
  typeof schema === 'object' && 'type' in schema && schema.type === 'array' && !('logicalType' in schema)
    ? new BoundedArray(schema, options)
    : undefined

const OPTIONS = { logicalTypes: LOGICAL_TYPES, wrapUnions: false, typeHook } as const

/** The type of a schema that another program wrote. Throws where it is none. */
export const foreignAvroType = (schema: avsc.Schema): avsc.Type => avsc.Type.forSchema(schema, { ...OPTIONS, registry: {} })

/** The codec of a typebox object whose reading is `Outline`'s. */
export const outlinedAvroType = (schema: TSchema, Outline: new (schema: avsc.Schema, options: unknown) => avsc.Type): avsc.Type =>
  avsc.Type.forSchema({ ...avroSchemaOf(schema), logicalType: 'outline' } as unknown as avsc.Schema, {
    ...OPTIONS,
    logicalTypes: { ...LOGICAL_TYPES, outline: Outline as unknown as typeof Sha256 },
    registry: {},
  })

/** The codec of a typebox object, in the forms the engine holds: instants as numbers, hashes as hex, vectors as typed arrays. */
export const avroTypeOf = (schema: TSchema): avsc.Type => foreignAvroType(avroSchemaOf(schema) as unknown as avsc.Schema)
