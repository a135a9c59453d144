/**
 * Frames: the unit that is written, checked and kept or lost as a whole. One group commit is one frame, so a torn write
 * can only ever cost records that nobody was told were accepted.
 *
 * Layout, little-endian: magic u32, payload bytes u32, CRC-32 u32 (IEEE 802.3, over everything after itself), record count u32,
 * append time f64 (ms), frame sequence f64; then per record: partition u16, key bytes u16, value bytes u32, offset f64, key, value.
 */
import { crc32 } from 'node:zlib'
import type { EpochMs } from '#schemas/units.ts'
import type { AppendRecord, LogRecord } from '../ports.ts'
import type { FrameMemory } from './frame-memory.ts'

export const FRAME_MAGIC = 0x314c5353 // "SSL1"
export const FRAME_HEADER_BYTES = 32
const RECORD_HEADER_BYTES = 16
/** A frame must fit one allocation and one write; a longer length is damage, not data. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024
export const KEY_BYTES_MAX = 0xffff

/** A record inside a frame's buffer. Key and value are cut only when asked for: most readers want one of them. */
export class FrameRecord implements LogRecord {
  readonly partition: number
  readonly offset: number
  readonly appendedAt: EpochMs
  readonly #buffer: Buffer
  readonly #keyAt: number
  readonly #valueAt: number
  readonly #end: number
  /** Asked for twice, to decode and to hash it. */
  #value: Uint8Array | undefined
  constructor(buffer: Buffer, at: number, appendedAt: EpochMs) {
    this.partition = buffer.readUInt16LE(at)
    const keyBytes = buffer.readUInt16LE(at + 2)
    const valueBytes = buffer.readUInt32LE(at + 4)
    this.offset = buffer.readDoubleLE(at + 8)
    this.appendedAt = appendedAt
    this.#buffer = buffer
    this.#keyAt = at + RECORD_HEADER_BYTES
    this.#valueAt = this.#keyAt + keyBytes
    this.#end = this.#valueAt + valueBytes
  }
  get key(): Uint8Array {
    return this.#buffer.subarray(this.#keyAt, this.#valueAt)
  }
  get value(): Uint8Array {
    return (this.#value ??= this.#buffer.subarray(this.#valueAt, this.#end))
  }
  /** Bytes this record takes in the log. */
  get bytes(): number {
    return this.#end - this.#keyAt + RECORD_HEADER_BYTES
  }
}

/** A frame and where its records begin. Records are made when they are read: what nobody reads again costs four bytes each. */
export class Frame {
  readonly sequence: number
  readonly appendedAt: EpochMs
  /** Whole frame, header included. */
  readonly bytes: number
  readonly #buffer: Buffer
  readonly #starts: Uint32Array

  constructor(buffer: Buffer, sequence: number, appendedAt: EpochMs, bytes: number, starts: Uint32Array) {
    this.#buffer = buffer
    this.sequence = sequence
    this.appendedAt = appendedAt
    this.bytes = bytes
    this.#starts = starts
  }
  get count(): number {
    return this.#starts.length
  }
  record(index: number): FrameRecord {
    return new FrameRecord(this.#buffer, this.#starts[index] as number, this.appendedAt)
  }
  partition(index: number): number {
    return this.#buffer.readUInt16LE(this.#starts[index])
  }
  offset(index: number): number {
    return this.#buffer.readDoubleLE((this.#starts[index] as number) + 8)
  }
  *records(): Generator<FrameRecord> {
    for (let i = 0; i < this.count; i++) yield this.record(i)
  }
}

export type FrameScan =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** Zeros or nothing: the log ends here. */
  | { readonly kind: 'end' }
  /** The bytes at hand stop before the frame does; `bytes` is what the whole needs. */
  | { readonly kind: 'short'; readonly bytes: number }
  | { readonly kind: 'damaged'; readonly reason: string }

export const recordBytes = (record: AppendRecord): number => RECORD_HEADER_BYTES + record.key.length + record.value.length

/** Writes one frame into `memory`; `offsets[i]` is the offset of `records[i]`. */
export const encodeFrame = (
  records: readonly AppendRecord[],
  offsets: ArrayLike<number>,
  appendedAt: EpochMs,
  sequence: number,
  memory: FrameMemory,
): { buffer: Buffer; frame: Frame } => {
  let bytes = FRAME_HEADER_BYTES
  for (const record of records) bytes += recordBytes(record)
  const buffer = memory.take(bytes)
  buffer.writeUInt32LE(FRAME_MAGIC, 0)
  buffer.writeUInt32LE(bytes - FRAME_HEADER_BYTES, 4)
  buffer.writeUInt32LE(records.length, 12)
  buffer.writeDoubleLE(appendedAt, 16)
  buffer.writeDoubleLE(sequence, 24)
  const starts = new Uint32Array(records.length)
  let at = FRAME_HEADER_BYTES
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as AppendRecord
    buffer.writeUInt16LE(record.partition, at)
    buffer.writeUInt16LE(record.key.length, at + 2)
    buffer.writeUInt32LE(record.value.length, at + 4)
    buffer.writeDoubleLE(offsets[i] as number, at + 8)
    buffer.set(record.key, at + RECORD_HEADER_BYTES)
    buffer.set(record.value, at + RECORD_HEADER_BYTES + record.key.length)
    starts[i] = at
    at += recordBytes(record)
  }
  buffer.writeUInt32LE(crc32(buffer.subarray(12)), 8)
  return { buffer, frame: new Frame(buffer, sequence, appendedAt, bytes, starts) }
}

/** Reads the frame at `at`, of which bytes up to `end` are at hand. */
export const scanFrame = (buffer: Buffer, at: number, end: number): FrameScan => {
  if (end - at < 4) return isZero(buffer, at, end) ? { kind: 'end' } : { kind: 'short', bytes: FRAME_HEADER_BYTES }
  const magic = buffer.readUInt32LE(at)
  if (magic === 0) return { kind: 'end' }
  if (magic !== FRAME_MAGIC)
    return { kind: 'damaged', reason: `frame magic is 0x${magic.toString(16)}, expected 0x${FRAME_MAGIC.toString(16)}` }
  if (end - at < FRAME_HEADER_BYTES) return { kind: 'short', bytes: FRAME_HEADER_BYTES }
  const bytes = FRAME_HEADER_BYTES + buffer.readUInt32LE(at + 4)
  if (bytes > FRAME_BYTES_MAX) return { kind: 'damaged', reason: `frame length ${bytes} exceeds ${FRAME_BYTES_MAX}` }
  if (end - at < bytes) return { kind: 'short', bytes }
  const stated = buffer.readUInt32LE(at + 8)
  const actual = crc32(buffer.subarray(at + 12, at + bytes))
  if (stated !== actual)
    return { kind: 'damaged', reason: `frame CRC-32 is 0x${actual.toString(16)}, its header states 0x${stated.toString(16)}` }
  return { kind: 'frame', frame: frameOf(buffer, at, bytes) }
}

const frameOf = (buffer: Buffer, at: number, bytes: number): Frame => {
  const count = buffer.readUInt32LE(at + 12)
  const appendedAt = buffer.readDoubleLE(at + 16) as EpochMs
  const starts = new Uint32Array(count)
  let next = at + FRAME_HEADER_BYTES
  for (let i = 0; i < count; i++) {
    starts[i] = next
    next += RECORD_HEADER_BYTES + buffer.readUInt16LE(next + 2) + buffer.readUInt32LE(next + 4)
  }
  return new Frame(buffer, buffer.readDoubleLE(at + 24), appendedAt, bytes, starts)
}

const isZero = (buffer: Buffer, at: number, end: number): boolean => {
  for (let i = at; i < end; i++) if (buffer[i] !== 0) return false
  return true
}
