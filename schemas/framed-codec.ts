/** A schema's codec in Confluent framing: a zero byte, the schema id as a big-endian u32, then Avro. */
import type { TSchema } from 'typebox'
import { avroTypeOf } from './avro.ts'

/** Magic byte and schema id. */
export const HEADER_BYTES = 5

/**
 * One buffer that every record is written into before it is copied out at its exact size: a record never holds on to more memory than it
 * fills, however large the one before it was. Grown by need; above the bound (the largest dead letter with its reasons) a buffer serves
 * one record only.
 */
const SCRATCH_BYTES_MAX = 2 ** 21
let scratch = Buffer.allocUnsafeSlow(2 ** 14)

type AvroType = ReturnType<typeof avroTypeOf>

/** Writes `value` behind `front` free bytes; returns a fresh buffer of exactly the size needed. */
const writeFresh = (type: AvroType, value: unknown, front: number): Buffer => {
  let buffer = scratch
  let end = type.encode(value, buffer, front)
  while (end < 0) {
    buffer = Buffer.allocUnsafeSlow(buffer.length - end) // −end bytes were missing
    end = type.encode(value, buffer, front)
  }
  if (buffer.length <= SCRATCH_BYTES_MAX) scratch = buffer
  const out = Buffer.allocUnsafe(end)
  buffer.copy(out, front, front, end)
  return out
}

export interface FramedCodec {
  /** Throws where the value does not fit its schema: a bug of the caller, not of the data. */
  encode(value: unknown): Buffer
  /** Throws on bytes that are not one whole record. */
  decode(bytes: Buffer): unknown
}

export const framedCodec = (schema: TSchema, id: number): FramedCodec => {
  const type = avroTypeOf(schema)
  return {
    encode(value) {
      const out = writeFresh(type, value, HEADER_BYTES)
      out[0] = 0
      out.writeUInt32BE(id, 1)
      return out
    },
    decode(bytes) {
      const { value, offset } = type.decode(bytes, HEADER_BYTES)
      if (offset !== bytes.length)
        throw new RangeError(offset < 0 ? 'the record ends too early' : `${bytes.length - offset} bytes follow the record`)
      return value
    },
  }
}

export interface BareCodec {
  encode(value: unknown): Buffer
  decode(bytes: Buffer): unknown
}

/** The same without the frame. */
export const bareCodec = (schema: TSchema): BareCodec => {
  const type = avroTypeOf(schema)
  return { encode: (value) => writeFresh(type, value, 0), decode: (bytes) => type.fromBuffer(bytes) as unknown }
}
