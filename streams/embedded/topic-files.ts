/**
 * The segment files of one topic as a reader sees them: where partitions begin and end, the sparse index, the tail in memory.
 * The writer keeps one and feeds it what it wrote; a follower in another process feeds it by {@link TopicFiles.scan}.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochMs } from '#schemas/units.ts'
import { TerminalFailure } from '../failure.ts'
import { corrupt, reasonOf, type BlockCache } from './block-cache.ts'
import { scanFrame, type Frame, type FrameRecord, type FrameScan } from './frame.ts'
import {
  BLOCK_BYTES,
  headerBytes,
  listSegments,
  readIndex,
  readSegmentHeader,
  segmentName,
  type IndexRow,
  type SegmentHeader,
} from './segment.ts'
import { TailCache } from './tail-cache.ts'

const SCAN_BYTES = 1024 * 1024
/** Indexes of sealed segments held in memory; a row is 8·(1 + partitions) bytes, a 64 MiB segment has about 256. */
const INDEXES_MAX = 32

export interface Segment {
  readonly header: SegmentHeader
  readonly path: string
  /** Bytes that hold checked frames. */
  size: number
}

/** How a scan ended: at the end of what is there, or before bytes that are no whole frame. */
export type ScanEnd =
  | { readonly kind: 'clean' }
  | { readonly kind: 'unfinished'; readonly path: string; readonly position: number; readonly reason: string }

export interface TopicFilesOptions {
  readonly folder: string
  readonly partitions: number
  readonly tailBytesMax: number
  readonly blocks: BlockCache
}

export class TopicFiles {
  readonly folder: string
  readonly partitions: number
  readonly segments: Segment[] = []
  /** Next offset per partition; everything below was read and checked. */
  readonly ends: number[]
  readonly tail: TailCache
  /** Sequence of the next frame. */
  sequence = 0
  appendedAt = 0 as EpochMs
  /** Index rows of the last segment, growing. */
  rows: IndexRow[] = []
  readonly #indexes = new Map<number, IndexRow[]>()
  readonly #blocks: BlockCache

  constructor(options: TopicFilesOptions) {
    this.folder = options.folder
    this.partitions = options.partitions
    this.ends = Array.from({ length: options.partitions }, () => 0)
    this.tail = new TailCache(options.partitions, options.tailBytesMax)
    this.#blocks = options.blocks
    for (const number of listSegments(options.folder)) if (!this.#addFromDisk(number)) break
    this.#beginLast()
  }

  starts(): number[] {
    return [...(this.segments[0]?.header.startOffsets ?? this.ends)]
  }

  get last(): Segment | undefined {
    return this.segments.at(-1)
  }

  /** A new, empty last segment whose header is on disk. */
  begin(header: SegmentHeader): void {
    const last = this.last
    if (last !== undefined) this.#keepIndex(last.header.number, this.rows)
    this.segments.push({ header, path: join(this.folder, segmentName(header.number)), size: headerBytes(this.partitions) })
    this.#beginLast()
  }

  /** Takes in the frame that begins where the last segment's checked bytes end. */
  accept(frame: Frame): void {
    const segment = this.last as Segment
    if (frame.sequence !== this.sequence)
      throw corrupt(segment.path, segment.size, `frame sequence is ${frame.sequence}, expected ${this.sequence}`)
    const row = this.rows.at(-1)
    if (row === undefined || segment.size - row.position >= BLOCK_BYTES)
      this.rows.push({ position: segment.size, offsets: Float64Array.from(this.ends) })
    for (let i = 0; i < frame.count; i++) {
      const partition = frame.partition(i)
      const offset = frame.offset(i)
      if (offset !== this.ends[partition])
        throw corrupt(segment.path, segment.size, `partition ${partition} goes on at ${offset}, expected ${this.ends[partition]}`)
      this.ends[partition] = offset + 1
    }
    segment.size += frame.bytes
    this.sequence++
    this.appendedAt = frame.appendedAt
    this.tail.add(frame)
  }

  /** Reads on from the checked bytes, into later segments where there are any. */
  scan(): ScanEnd {
    for (;;) {
      const segment = this.last
      if (segment === undefined) {
        if (!this.#adoptNext(0)) return { kind: 'clean' }
        continue
      }
      // Looked up before reading: once the next segment exists, this one is complete.
      const sealed = existsSync(join(this.folder, segmentName(segment.header.number + 1)))
      const end = this.#scanSegment(segment)
      if (end.kind === 'unfinished') {
        if (sealed) throw corrupt(end.path, end.position, end.reason)
        return end
      }
      const sequence = this.sequence
      if (!sealed || !this.#adoptNext(segment.header.number + 1)) return end
      if (this.sequence !== sequence)
        throw corrupt(segment.path, segment.size, `frames ${sequence} to ${this.sequence - 1} are missing at its end`)
    }
  }

  /**
   * Records from disk, for readers that have fallen behind the tail. `blocksMax` bounds the blocks that records are taken from: who goes round all
   * partitions, one block at a time, reads each block once for all of them.
   */
  async readCold(partition: number, offset: number, bytesMax: number, blocksMax = Infinity): Promise<FrameRecord[]> {
    const out: FrameRecord[] = []
    let next = offset
    let bytes = 0
    let blocks = 0
    const more = (): boolean => bytes < bytesMax && blocks < blocksMax
    for (let s = this.#segmentOf(partition, offset); s < this.segments.length && more(); s++) {
      const segment = this.segments[s] as Segment
      const rows = this.#rowsOf(segment)
      for (let r = rowBefore(rows, partition, next); r < rows.length && more(); r++) {
        const following = rows[r + 1]
        if (following !== undefined && (following.offsets[partition] as number) <= next) continue
        const block = await this.#blocks.get(
          segment.path,
          (rows[r] as IndexRow).position,
          following?.position ?? segment.size,
          this.partitions,
        )
        for (const record of block.lanes[partition] as FrameRecord[]) {
          if (record.offset !== next || bytes >= bytesMax) continue
          out.push(record)
          bytes += record.bytes
          next++
        }
        if (bytes > 0) blocks++
      }
    }
    return out
  }

  #segmentOf(partition: number, offset: number): number {
    let low = 0
    let high = this.segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (((this.segments[middle] as Segment).header.startOffsets[partition] as number) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  #rowsOf(segment: Segment): IndexRow[] {
    if (segment === this.last) return this.rows
    const number = segment.header.number
    const rows = this.#indexes.get(number) ?? readIndex(this.folder, number, this.partitions) ?? this.#rebuildIndex(segment)
    this.#keepIndex(number, rows)
    return rows
  }

  #keepIndex(number: number, rows: IndexRow[]): void {
    this.#indexes.delete(number)
    this.#indexes.set(number, rows)
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= INDEXES_MAX) break
      this.#indexes.delete(oldest)
    }
  }

  #rebuildIndex(segment: Segment): IndexRow[] {
    const rows: IndexRow[] = []
    const offsets = Float64Array.from(segment.header.startOffsets)
    const end = forEachFrame(segment.path, headerBytes(this.partitions), (frame, position) => {
      const row = rows.at(-1)
      if (row === undefined || position - row.position >= BLOCK_BYTES) rows.push({ position, offsets: offsets.slice() })
      for (let i = 0; i < frame.count; i++) offsets[frame.partition(i)] = frame.offset(i) + 1
    })
    if (end.kind === 'unfinished') throw corrupt(end.path, end.position, end.reason)
    return rows
  }

  #scanSegment(segment: Segment): ScanEnd {
    return forEachFrame(segment.path, segment.size, (frame) => this.accept(frame))
  }

  #adoptNext(number: number): boolean {
    if (!existsSync(join(this.folder, segmentName(number)))) return false
    const header = readSegmentHeader(this.folder, number, this.partitions)
    if (typeof header === 'string') return false
    this.begin(header)
    return true
  }

  /** False where the file is a header still being written. */
  #addFromDisk(number: number): boolean {
    const path = join(this.folder, segmentName(number))
    if (statSync(path).size < headerBytes(this.partitions)) return false
    const header = readSegmentHeader(this.folder, number, this.partitions)
    const before = this.last
    if (typeof header === 'string')
      throw new TerminalFailure('log-corrupt', `${path} is not a segment of this log: ${header}. Restore it from a copy.`)
    if (before !== undefined && before.header.number + 1 !== number)
      throw new TerminalFailure(
        'log-corrupt',
        `${path} follows segment ${before.header.number}: segments between them are missing. Restore them from a copy.`,
      )
    this.segments.push({ header, path, size: statSync(path).size })
    return true
  }

  /** Forgets the oldest segments; their files are the caller's to remove. */
  dropFirst(count: number): Segment[] {
    return this.segments.splice(0, count)
  }

  #beginLast(): void {
    this.rows = []
    const last = this.last
    if (last === undefined) return
    last.size = headerBytes(this.partitions)
    this.sequence = last.header.firstSequence
    this.appendedAt = Math.max(this.appendedAt, last.header.appendedBefore) as EpochMs
    last.header.startOffsets.forEach((offset, p) => (this.ends[p] = offset))
  }
}

const rowBefore = (rows: readonly IndexRow[], partition: number, offset: number): number => {
  let low = 0
  let high = rows.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (((rows[middle] as IndexRow).offsets[partition] as number) <= offset) low = middle
    else high = middle - 1
  }
  return Math.max(low, 0)
}

/** Calls back for each whole frame from `from` on, reading the file once. */
const forEachFrame = (path: string, from: number, found: (frame: Frame, position: number) => void): ScanEnd => {
  const fd = openSync(path, 'r')
  try {
    let position = from
    let want = SCAN_BYTES
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(want, fstatSync(fd).size - position)))
      const held = readSync(fd, buffer, 0, buffer.length, position)
      if (held === 0) return { kind: 'clean' }
      let at = 0
      let scan: FrameScan = { kind: 'end' }
      while (at < held && (scan = scanFrame(buffer, at, held)).kind === 'frame') {
        found(scan.frame, position + at)
        at += scan.frame.bytes
      }
      position += at
      if (scan.kind === 'frame') continue
      if (scan.kind === 'end') return { kind: 'clean' }
      const whole = held < want
      if (scan.kind === 'damaged' || whole) return { kind: 'unfinished', path, position, reason: reasonOf(scan) }
      want = Math.max(SCAN_BYTES, scan.bytes)
    }
  } finally {
    closeSync(fd)
  }
}
