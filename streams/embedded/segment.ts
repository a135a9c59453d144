/** Segment files of a topic: their names, headers and sparse indexes. */
import { existsSync, openSync, readFileSync, readSync, closeSync, renameSync, writeFileSync, fstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { EpochMs } from '#schemas/units.ts'

const SEGMENT_MAGIC = Buffer.from('SSLOGSEG', 'latin1')
const SEGMENT_VERSION = 1
/** An index row is kept about every so many bytes of a segment; it is also the unit of a cold read. */
export const BLOCK_BYTES = 256 * 1024

export interface SegmentHeader {
  readonly number: number
  readonly firstSequence: number
  /** Append time of the last frame before this segment: keeps append time monotone over restarts. */
  readonly appendedBefore: EpochMs
  /** Next offset of each partition where the segment begins. */
  readonly startOffsets: readonly number[]
}

/** Where a frame-aligned block begins and which offsets come next there. */
export interface IndexRow {
  readonly position: number
  readonly offsets: Float64Array
}

export const segmentName = (number: number): string => `${String(number).padStart(12, '0')}.seg`
export const indexName = (number: number): string => `${String(number).padStart(12, '0')}.idx`
export const headerBytes = (partitions: number): number => 48 + 8 * partitions

export const encodeSegmentHeader = (header: SegmentHeader): Buffer => {
  const buffer = Buffer.alloc(headerBytes(header.startOffsets.length))
  SEGMENT_MAGIC.copy(buffer, 0)
  buffer.writeUInt32LE(SEGMENT_VERSION, 8)
  buffer.writeUInt32LE(header.startOffsets.length, 12)
  buffer.writeDoubleLE(header.number, 16)
  buffer.writeDoubleLE(header.firstSequence, 24)
  buffer.writeDoubleLE(header.appendedBefore, 32)
  header.startOffsets.forEach((offset, i) => buffer.writeDoubleLE(offset, 40 + 8 * i))
  buffer.writeUInt32LE(crc32(buffer.subarray(0, buffer.length - 8)), buffer.length - 8)
  return buffer
}

/** The header, or why it cannot be one. */
const decodeSegmentHeader = (buffer: Buffer, partitions: number): SegmentHeader | string => {
  if (buffer.length < headerBytes(partitions)) return `only ${buffer.length} bytes, a header has ${headerBytes(partitions)}`
  if (!buffer.subarray(0, 8).equals(SEGMENT_MAGIC)) return 'it does not begin with "SSLOGSEG"'
  const version = buffer.readUInt32LE(8)
  if (version !== SEGMENT_VERSION) return `its version is ${version}, this engine reads ${SEGMENT_VERSION}`
  const held = buffer.readUInt32LE(12)
  if (held !== partitions) return `it has ${held} partitions, expected ${partitions}`
  const end = headerBytes(partitions) - 8
  if (buffer.readUInt32LE(end) !== crc32(buffer.subarray(0, end))) return 'its CRC-32 does not match'
  return {
    number: buffer.readDoubleLE(16),
    firstSequence: buffer.readDoubleLE(24),
    appendedBefore: buffer.readDoubleLE(32) as EpochMs,
    startOffsets: Array.from({ length: partitions }, (_, i) => buffer.readDoubleLE(40 + 8 * i)),
  }
}

/** Segment numbers in a topic's folder, ascending. */
export const listSegments = (folder: string): number[] =>
  readdirSync(folder)
    .filter((name) => /^\d{12}\.seg$/.test(name))
    .map((name) => Number(name.slice(0, 12)))
    .sort((a, b) => a - b)

export const readSegmentHeader = (folder: string, number: number, partitions: number): SegmentHeader | string => {
  const fd = openSync(join(folder, segmentName(number)), 'r')
  try {
    const buffer = Buffer.alloc(Math.min(headerBytes(partitions), fstatSync(fd).size))
    readSync(fd, buffer, 0, buffer.length, 0)
    return decodeSegmentHeader(buffer, partitions)
  } finally {
    closeSync(fd)
  }
}

/** Writes a sealed segment's index beside it. Losing it costs one scan, so it is not flushed. */
export const writeIndex = (folder: string, number: number, rows: readonly IndexRow[]): void => {
  const width = 1 + (rows[0]?.offsets.length ?? 0)
  const body = new Float64Array(1 + rows.length * width)
  body[0] = width
  rows.forEach((row, i) => {
    body[1 + i * width] = row.position
    body.set(row.offsets, 2 + i * width)
  })
  const bytes = Buffer.from(body.buffer)
  const file = Buffer.alloc(8 + bytes.length)
  file.writeUInt32LE(crc32(bytes), 0)
  bytes.copy(file, 8)
  const path = join(folder, indexName(number))
  writeFileSync(`${path}.new`, file)
  renameSync(`${path}.new`, path)
}

/** The index, or `undefined` where there is none or it is damaged: then it is rebuilt by a scan. */
export const readIndex = (folder: string, number: number, partitions: number): IndexRow[] | undefined => {
  const path = join(folder, indexName(number))
  if (!existsSync(path)) return undefined
  const file = readFileSync(path)
  if (file.length < 16 || (file.length - 8) % 8 !== 0 || file.readUInt32LE(0) !== crc32(file.subarray(8))) return undefined
  const width = file.readDoubleLE(8)
  const rows: IndexRow[] = []
  if (width !== partitions + 1) return undefined
  for (let at = 16; at + 8 * width <= file.length; at += 8 * width)
    rows.push({
      position: file.readDoubleLE(at),
      offsets: Float64Array.from({ length: partitions }, (_, p) => file.readDoubleLE(at + 8 * (1 + p))),
    })
  return rows
}
