/**
 * Field builders: every field of every schema states its meaning, unit, range and privacy class here, once. The same
 * object yields the static type, the JSON Schema published at the edge and the Avro schema used in the log.
 */
import Type from 'typebox'
import type { EpochMs, MoneyMinor } from './units.ts'
import { MONEY_MINOR_MAX } from './units.ts'

/**
 * Privacy class of a field. `none`: says nothing about a person. `pseudonym`: names a person only to whoever holds the
 * key. `quasi`: identifies in combination. `sensitive`: financial or behavioural fact about a person.
 * `protected`: prohibited basis under Regulation B, held in the vault alone.
 */
export type PiiClass = 'none' | 'pseudonym' | 'quasi' | 'sensitive' | 'protected'

export type FieldFacts = {
  readonly description: string
  readonly unit: string
  readonly pii: PiiClass
  /** Avro primitive or logical type where JSON Schema alone does not determine it. */
  readonly avro?: 'int' | 'long' | 'double' | 'timestamp-millis' | 'float32-vector' | 'float64-vector' | 'sha256' | 'bytes'
}

const facts = (description: string, unit: string, pii: PiiClass): FieldFacts => ({ description, unit, pii })

/** Identifiers: 1–128 characters, letters, digits and `._:~-`; no white space, so that they survive logs and URLs. */
export const identifier = (description: string, pii: PiiClass = 'none') =>
  Type.String({ ...facts(description, 'identifier', pii), minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9._:~-]+$' })

export const text = (description: string, maxLength: number, pii: PiiClass = 'none') =>
  Type.String({ ...facts(description, 'text', pii), minLength: 1, maxLength })

export const choice = <const Values extends string[]>(description: string, values: [...Values], pii: PiiClass = 'none') =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values, ...facts(description, 'category', pii) })

/** RFC 3339 instant in JSON, milliseconds since the epoch once parsed and in Avro. Accepted from 1970 to 2200. */
export const instant = (description: string) =>
  Type.Unsafe<EpochMs>({ type: 'string', format: 'date-time', ...facts(description, 'RFC 3339 UTC', 'none'), avro: 'timestamp-millis' })

export const money = (description: string, range: { minimum?: number; maximum?: number } = {}) =>
  Type.Unsafe<MoneyMinor>({
    type: 'integer',
    minimum: -MONEY_MINOR_MAX,
    maximum: MONEY_MINOR_MAX,
    ...range,
    ...facts(description, 'minor currency units', 'sensitive'),
    avro: 'long',
  })

export const currency = () =>
  Type.String({ ...facts('ISO 4217 currency of every amount in this event', 'ISO 4217', 'none'), pattern: '^[A-Z]{3}$' })

export const integer = (description: string, unit: string, minimum: number, maximum: number, pii: PiiClass = 'sensitive') =>
  Type.Integer({ ...facts(description, unit, pii), minimum, maximum, avro: 'int' })

export const flag = (description: string, pii: PiiClass = 'none') => Type.Boolean(facts(description, 'true/false', pii))

/** Calendar month, `YYYY-MM`, 1970-01 to 2199-12. */
export const month = (description: string) =>
  Type.String({ ...facts(description, 'YYYY-MM', 'none'), pattern: '^(19[7-9][0-9]|20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])$' })

/** A float64 in `[minimum, maximum]`. */
export const number = (description: string, unit: string, minimum: number, maximum: number, pii: PiiClass = 'sensitive') =>
  Type.Number({ ...facts(description, unit, pii), minimum, maximum, avro: 'double' })

/** Most features a vector may have: a declared bound, an order of magnitude above what a set uses. */
const VECTOR_LENGTH_MAX = 4_096

/** Float32 array; `null` in JSON stands for NaN (missing). */
export const float32Vector = (description: string, unit: string) =>
  Type.Unsafe<Float32Array>({
    type: 'array',
    items: { type: ['number', 'null'] },
    maxItems: VECTOR_LENGTH_MAX,
    ...facts(description, unit, 'sensitive'),
    avro: 'float32-vector',
  })

export const float64Vector = (description: string, unit: string) =>
  Type.Unsafe<Float64Array>({
    type: 'array',
    items: { type: 'number' },
    maxItems: VECTOR_LENGTH_MAX,
    ...facts(description, unit, 'sensitive'),
    avro: 'float64-vector',
  })

/** SHA-256 as 64 lower-case hexadecimal digits; 32 bytes in Avro. */
export const sha256 = (description: string) =>
  Type.String({ ...facts(description, 'SHA-256, hex', 'none'), pattern: '^[0-9a-f]{64}$', avro: 'sha256' })

/** Raw bytes; base64 in JSON. */
export const bytes = (description: string, pii: PiiClass) =>
  Type.Unsafe<Uint8Array>({ type: 'string', contentEncoding: 'base64', ...facts(description, 'bytes', pii), avro: 'bytes' })
