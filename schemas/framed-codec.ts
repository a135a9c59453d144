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

/** Writes `value` behind `front` bytes of the shared buffer, which stay as they are. Whoever needs what it returns copies it before the next record is written. */
const writeShared = (type: AvroType, value: unknown, front: number): Buffer => {
  let buffer = scratch
  let end = type.encode(value, buffer, front)
  while (end < 0) {
    buffer = Buffer.allocUnsafeSlow(buffer.length - end) // −end bytes were missing
    scratch.copy(buffer, 0, 0, front)
    end = type.encode(value, buffer, front)
  }
  if (buffer.length <= SCRATCH_BYTES_MAX) scratch = buffer
  return buffer.subarray(0, end)
}

/** Writes `value` behind `front` free bytes; returns a fresh buffer of exactly the size needed. */
const writeFresh = (type: AvroType, value: unknown, front: number): Buffer => {
  const written = writeShared(type, value, front)
  const out = Buffer.allocUnsafe(written.length)
  written.copy(out, front, front)
  return out
}

export interface FramedCodec {
  /** As {@link encode}, behind `front` bytes of a buffer that all codecs share and that stay as they are; to be copied before anything else is encoded. */
  encodeShared(value: unknown, front: number): Buffer
  /** Throws where the value does not fit its schema: a bug of the caller, not of the data. */
  encode(value: unknown): Buffer
  /** Throws on bytes that are not one whole record. */
  decode(bytes: Buffer): unknown
}

export const framedCodec = (schema: TSchema, id: number): FramedCodec => {
  const type = avroTypeOf(schema)
  const frame = (record: Buffer, at: number): Buffer => {
    record[at] = 0
    record.writeUInt32BE(id, at + 1)
    return record
  }
  return {
    encode: (value) => frame(writeFresh(type, value, HEADER_BYTES), 0),
    encodeShared: (value, front) => frame(writeShared(type, value, front + HEADER_BYTES), front),
    decode(bytes) {
      const { value, offset } = type.decode(bytes, HEADER_BYTES)
      if (offset !== bytes.length)
        throw new RangeError(offset < 0 ? 'the record ends too early' : `${bytes.length - offset} bytes follow the record`)
      return value
    },
  }
}

export interface BareCodec {
  /** As a framed codec's. */
  encodeShared(value: unknown, front: number): Buffer
  encode(value: unknown): Buffer
  decode(bytes: Buffer): unknown
}

/** The same without the frame. */
export const bareCodec = (schema: TSchema): BareCodec => {
  const type = avroTypeOf(schema)
  return {
    encode: (value) => writeFresh(type, value, 0),
    encodeShared: (value, front) => writeShared(type, value, front),
    decode: (bytes) => type.fromBuffer(bytes) as unknown,
  }
}
