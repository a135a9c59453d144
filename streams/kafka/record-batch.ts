/**
 * Kafka's record batches (format 2: KIP-98, "Message Format" in Kafka's protocol documentation), written and read without an object per
 * field: the client library's own codec makes several objects and big integers a record, which would cost more than everything else here.
 */
import { compressionsAlgorithmsByBitmask, crc32c } from '@platformatic/kafka'
import type { EpochMs } from '#schemas/units.ts'
import type { AppendRecord, LogRecord } from '../ports.ts'
import { int64At } from './wire-reader.ts'

/** Base offset and length come before what the length counts. */
const PREFIX_BYTES = 12
const HEADER_BYTES = 61
/** The checksum covers everything from the attributes on. */
const CHECKED_FROM = 21
const COMPRESSION = 0b111
const LOG_APPEND_TIME = 1 << 3
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5
const MAGIC = 2
/** Of the 32 bits of a length at most so many are used: batches are far smaller. */
const VARINT_BITS_MAX = 35

const varintBytes = (value: number): number => {
  // Zigzag of a non-negative number is its double.
  let rest = value * 2
  let bytes = 1
  for (; rest >= 128; bytes++) rest = Math.floor(rest / 128)
  return bytes
}

const writeVarint = (out: Buffer, value: number, from: number): number => {
  let at = from
  let rest = value * 2
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest & 0x7f) | 0x80
  out[at++] = rest
  return at
}

const bodyBytes = ({ key, value }: AppendRecord, index: number): number =>
  // Attributes, a time delta of 0, and no headers take a byte each.
  3 + varintBytes(index) + varintBytes(key.length) + key.length + varintBytes(value.length) + value.length

/** Most a record may add to a batch. */
export const recordBytesMax = ({ key, value }: AppendRecord): number => key.length + value.length + 25

export const BATCH_OVERHEAD_BYTES = HEADER_BYTES

/** The sender of an idempotent producer's batch: the broker accepts each sequence number once, in order. */
export interface BatchSender {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequence: number
  /** Whether the batch is part of a transaction. */
  readonly transactional?: boolean
}

/** One batch of uncompressed records. `now` counts only where the topic keeps the time of creation. */
export const encodeBatch = (records: readonly AppendRecord[], sender: BatchSender, now: number): Buffer => {
  let length = HEADER_BYTES
  for (let i = 0; i < records.length; i++) {
    const body = bodyBytes(records[i] as AppendRecord, i)
    length += varintBytes(body) + body
  }
  const out = Buffer.allocUnsafe(length)
  out.fill(0, 0, HEADER_BYTES)
  out.writeInt32BE(length - PREFIX_BYTES, 8)
  out.writeInt32BE(-1, 12)
  out[16] = MAGIC
  if (sender.transactional === true) out.writeInt16BE(TRANSACTIONAL, 21)
  out.writeInt32BE(records.length - 1, 23)
  out.writeBigInt64BE(BigInt(now), 27)
  out.writeBigInt64BE(BigInt(now), 35)
  out.writeBigInt64BE(sender.producerId, 43)
  out.writeInt16BE(sender.producerEpoch, 51)
  out.writeInt32BE(sender.sequence, 53)
  out.writeInt32BE(records.length, 57)
  let at = HEADER_BYTES
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i] as AppendRecord
    at = writeVarint(out, bodyBytes({ partition: 0, key, value }, i), at)
    out[at++] = 0
    out[at++] = 0
    at = writeVarint(out, i, at)
    at = writeVarint(out, key.length, at)
    out.set(key, at)
    at = writeVarint(out, value.length, at + key.length)
    out.set(value, at)
    at += value.length
    out[at++] = 0
  }
  out.writeUInt32BE(crc32c(out.subarray(CHECKED_FROM)) >>> 0, 17)
  return out
}

let cursor = 0

/** Zigzag varints of up to 35 bits; the cursor stands behind it afterwards. */
const readVarint = (bytes: Uint8Array): number => {
  let byte = bytes[cursor++] as number
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
  let value = byte & 0x7f
  let scale = 128
  for (let bits = 7; bits < VARINT_BITS_MAX * 2; bits += 7) {
    byte = bytes[cursor++] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    scale *= 128
  }
  throw new RangeError(`a variable-length integer before byte ${cursor} of a record batch does not end`)
}

const NOTHING = new Uint8Array(0)

/** −1 stands for null, which the engine takes for nothing: such a record is refused for what it lacks, by its position. */
const readBytes = (bytes: Uint8Array): Uint8Array => {
  const length = readVarint(bytes)
  if (length <= 0) return NOTHING
  cursor += length
  return new Uint8Array(bytes.buffer, bytes.byteOffset + cursor - length, length)
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface DecodedBatches {
  readonly records: LogRecord[]
  /** Offset after the last whole batch; `from` where there was none. */
  readonly next: number
  /** Leader epoch of the last whole batch; −1 where there was none. */
  readonly leaderEpoch: number
  /** Memory that the records keep, unpacked. */
  readonly bytes: number
}

/**
 * Records from `from` on: batches begin where they were written, so a fetch brings earlier records too. A batch cut off at the end is
 * left out; so are control records, and records of transactions that were aborted (`aborted`, as the broker lists them).
 */
export const decodeBatches = (bytes: Buffer, partition: number, from: number, aborted: readonly AbortedTransaction[]): DecodedBatches => {
  const records: LogRecord[] = []
  const pending = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<number>()
  let next = from
  let leaderEpoch = -1
  let kept = 0
  for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
    const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    const batch = bytes.subarray(at, end)
    at = end
    refuseDamaged(batch, partition)
    const lastOffset = int64At(batch, 0) + batch.readInt32BE(23)
    const attributes = batch.readInt16BE(21)
    const producerId = int64At(batch, 43)
    for (let first = pending[0]; first !== undefined && first.firstOffset <= lastOffset; first = pending[0]) {
      open.add(first.producerId)
      pending.shift()
    }
    if ((attributes & CONTROL) !== 0) open.delete(producerId)
    else if ((attributes & TRANSACTIONAL) === 0 || !open.has(producerId)) kept += readRecords(batch, attributes, partition, from, records)
    next = Math.max(next, lastOffset + 1)
    leaderEpoch = batch.readInt32BE(12)
  }
  return { records, next, leaderEpoch, bytes: kept }
}

const refuseDamaged = (batch: Buffer, partition: number): void => {
  const magic = batch[16]
  if (magic !== MAGIC)
    throw new RangeError(`a batch of partition ${partition} has format ${magic}; only ${MAGIC} (Kafka 0.11 and later) is read`)
  if (crc32c(batch.subarray(CHECKED_FROM)) >>> 0 !== batch.readUInt32BE(17))
    throw new RangeError(`the batch of partition ${partition} at offset ${int64At(batch, 0)} does not match its checksum`)
}

/** Returns the bytes that the records are views into. */
const readRecords = (batch: Buffer, attributes: number, partition: number, from: number, out: LogRecord[]): number => {
  const baseOffset = int64At(batch, 0)
  const appended = (attributes & LOG_APPEND_TIME) !== 0
  const time = int64At(batch, appended ? 35 : 27)
  const body = decompressed(batch.subarray(HEADER_BYTES), attributes & COMPRESSION)
  const count = batch.readInt32BE(57)
  let at = 0
  for (let i = 0; i < count; i++) {
    cursor = at
    const length = readVarint(body)
    at = cursor + length
    cursor++
    const timeDelta = readVarint(body)
    const offset = baseOffset + readVarint(body)
    if (offset < from) continue
    const key = readBytes(body)
    const value = readBytes(body)
    if (cursor > body.length) throw new RangeError(`record ${offset} of partition ${partition} ends outside its batch`)
    out.push({ partition, offset, appendedAt: (appended ? time : time + timeDelta) as EpochMs, key, value })
  }
  return body.length
}

const decompressed = (body: Buffer, compression: number): Buffer => {
  if (compression === 0) return body
  const algorithm = compressionsAlgorithmsByBitmask[compression]
  if (algorithm === undefined) throw new RangeError(`a batch is compressed with method ${compression}, which is not known`)
  return algorithm.decompressSync(body)
}
