/**
 * Reads some fields of a framed record and passes over the rest without making values of them: whoever needs a tenth of a record pays a tenth.
 * Rests on avsc 5.7's reading protocol (`_read`, `_skip` with a tap), as `avro-arrays.ts` does; a test compares it with the whole codec.
 */
import avsc from 'avsc'
import type { TSchema } from 'typebox'
import { outlinedAvroType } from './avro.ts'
import { skipArray, skipVector, type Tap } from './avro-arrays.ts'
import { HEADER_BYTES } from './framed-codec.ts'

/** Fields to read: a whole field, or some of a nested record's. */
export interface Outline {
  readonly [field: string]: true | Outline
}

interface Walked {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}

type Step =
  | { readonly kind: 'read'; readonly name: string; readonly type: Walked }
  | { readonly kind: 'enter'; readonly name: string; readonly steps: readonly Step[] }
  | { readonly kind: 'skip'; readonly skip: (tap: Tap) => void }

/** Bytes of each value, where all have the same. */
const widthOf = ({ typeName }: avsc.Type): number | undefined => (typeName === 'float' ? 4 : typeName === 'double' ? 8 : undefined)

const skipperOf = (type: avsc.Type): ((tap: Tap) => void) => {
  const plain = type instanceof avsc.types.LogicalType ? type.underlyingType : type
  const walked = plain as unknown as Walked
  // avsc believes an array's count, which damaged bytes could make 2^32.
  if (!(plain instanceof avsc.types.ArrayType)) return (tap) => walked._skip(tap)
  const bytes = widthOf(plain.itemsType)
  if (bytes !== undefined) return (tap) => skipVector(tap, bytes)
  const item = skipperOf(plain.itemsType)
  return (tap) => skipArray(tap, item)
}

const stepsOf = (record: avsc.Type, outline: Outline): Step[] => {
  if (!(record instanceof avsc.types.RecordType)) throw new TypeError(`${record.typeName} has no fields to choose from`)
  const { fields } = record
  for (const name of Object.keys(outline))
    if (!fields.some((field) => field.name === name)) throw new TypeError(`${String(record.name)} has no field ${name}`)
  return fields.map(({ name, type }): Step => {
    const wanted = outline[name]
    if (wanted === undefined) return { kind: 'skip', skip: skipperOf(type) }
    if (wanted === true) return { kind: 'read', name, type: type as unknown as Walked }
    return { kind: 'enter', name, steps: stepsOf(type, wanted) }
  })
}

const walk = (tap: Tap, steps: readonly Step[]): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  for (const step of steps)
    if (step.kind === 'skip') step.skip(tap)
    else out[step.name] = step.kind === 'read' ? step.type._read(tap) : walk(tap, step.steps)
  return out
}

/** The decoder of `outline` of a schema's framed records. It throws on bytes that are not one whole record, as the whole codec does. */
export const outlineDecoder = (schema: TSchema, outline: Outline): ((bytes: Buffer) => unknown) => {
  let steps: readonly Step[] | undefined
  const type = outlinedAvroType(
    schema,
    class extends avsc.types.LogicalType {
      _read(tap: Tap): unknown {
        return walk(tap, (steps ??= stepsOf(this.underlyingType, outline)))
      }
    },
  )
  return (bytes) => {
    const { value, offset } = type.decode(bytes, HEADER_BYTES)
    if (offset !== bytes.length)
      throw new RangeError(offset < 0 ? 'the record ends too early' : `${bytes.length - offset} bytes follow the record`)
    return value as unknown
  }
}
