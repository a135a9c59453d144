/**
 * The writer of one topic: gathers the appends of one turn of the event loop into one frame, writes it with one call and, where
 * durability asks, flushes it once, while the next group gathers.
 */
import { closeSync, fdatasync, fsync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { EpochMs } from '#schemas/units.ts'
import type { AppendRecord, Clock } from '../ports.ts'
import { RetryableFailure, TerminalFailure } from '../failure.ts'
import { encodeFrame, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, KEY_BYTES_MAX, recordBytes, type Frame } from './frame.ts'
import { FrameMemory } from './frame-memory.ts'
import { encodeSegmentHeader, headerBytes, segmentName, writeIndex } from './segment.ts'
import type { TopicFiles } from './topic-files.ts'

const flushData = promisify(fdatasync)
const flushAll = promisify(fsync)

export type Durability = 'process-kill' | 'power-loss'

/** Writes a whole buffer at a position; tests put a full disk here. */
export type WriteAt = (fd: number, buffer: Uint8Array, position: number) => void

export const writeFully: WriteAt = (fd, buffer, position) => {
  let done = 0
  while (done < buffer.length) done += writeSync(fd, buffer, done, buffer.length - done, position + done)
}

export interface TopicWriterOptions {
  readonly files: TopicFiles
  readonly clock: Clock
  readonly durability: Durability
  readonly segmentBytesMax: number
  /** A group is closed once it holds this much; one call is never split. */
  readonly groupBytesMax: number
  /** Bytes that may wait for the disk before further appends are refused as `overloaded`. */
  readonly queueBytesMax: number
  readonly write: WriteAt
  /** Called after a new segment began: retention may look again. */
  readonly rolled: () => void
}

interface Waiting {
  readonly records: readonly AppendRecord[]
  readonly bytes: number
  readonly resolve: (offsets: readonly number[]) => void
  readonly reject: (failure: Error) => void
}

export class TopicWriter {
  readonly files: TopicFiles
  readonly #options: TopicWriterOptions
  readonly #listeners = new Set<() => void>()
  /** Next offsets as written, which run ahead of `files.ends` (readable) while a flush is under way. */
  readonly #written: number[]
  readonly #memory = new FrameMemory()
  #fd: number
  #position: number
  #queue: Waiting[] = []
  #queueBytes = 0
  #scheduled = false
  #flushing: Promise<void> | undefined
  #state: { kind: 'open' } | { kind: 'broken'; failure: TerminalFailure } | { kind: 'closed' } = { kind: 'open' }

  /** The last segment was scanned and cut to its checked bytes; there is at least one segment. */
  constructor(options: TopicWriterOptions) {
    this.#options = options
    this.files = options.files
    const last = options.files.last
    if (last === undefined) throw new Error('a writer needs a segment')
    this.#written = [...options.files.ends]
    this.#position = last.size
    this.#fd = openSync(last.path, 'r+')
  }

  append(records: readonly AppendRecord[]): Promise<readonly number[]> {
    if (records.length === 0) return Promise.resolve([])
    const refused = this.#refusal(records)
    if (refused !== undefined) return Promise.reject(refused)
    let bytes = 0
    for (const record of records) bytes += recordBytes(record)
    if (bytes + FRAME_HEADER_BYTES > FRAME_BYTES_MAX)
      return Promise.reject(new TerminalFailure('record-too-large', `one append of ${bytes} bytes exceeds ${FRAME_BYTES_MAX}; split it`))
    if (this.#queueBytes + bytes > this.#options.queueBytesMax && this.#queue.length > 0)
      return Promise.reject(
        new RetryableFailure(
          'overloaded',
          `${this.#queueBytes} bytes wait for the disk, at most ${this.#options.queueBytesMax} may; try again later`,
        ),
      )
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, resolve, reject })
      this.#queueBytes += bytes
      this.#schedule()
    })
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    while (this.#queue.length > 0 || this.#flushing !== undefined) await (this.#flushing ?? this.#flush())
    if (this.#state.kind === 'closed') return
    if (this.#state.kind === 'open') await flushData(this.#fd)
    this.#state = { kind: 'closed' }
    closeSync(this.#fd)
  }

  #refusal(records: readonly AppendRecord[]): Error | undefined {
    if (this.#state.kind === 'broken') return this.#state.failure
    if (this.#state.kind === 'closed') return new TerminalFailure('closed', 'the log was closed; no more can be appended')
    for (const { partition, key } of records) {
      if (!(partition >= 0 && partition < this.files.partitions))
        return new TerminalFailure('directory-mismatch', `partition ${partition} does not exist: the topic has ${this.files.partitions}`)
      if (key.length > KEY_BYTES_MAX)
        return new TerminalFailure('record-too-large', `a key of ${key.length} bytes exceeds ${KEY_BYTES_MAX}`)
    }
    return undefined
  }

  #schedule(): void {
    if (this.#scheduled || this.#flushing !== undefined) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#flushing === undefined) void this.#flush()
    })
  }

  #flush(): Promise<void> {
    const run = async () => {
      while (this.#queue.length > 0 && this.#state.kind === 'open') {
        const group = this.#takeGroup()
        const written = this.#writeGroup(group)
        if (written === undefined) continue
        if (this.#options.durability === 'power-loss' && !(await this.#flushed(group))) return
        this.#publish(group, written)
        // Lets readers and new appends in between the groups of a long queue.
        if (this.#queue.length > 0) await new Promise(setImmediate)
      }
      if (this.#state.kind === 'broken') for (const waiting of this.#queue.splice(0)) waiting.reject(this.#state.failure)
    }
    this.#flushing = run().finally(() => {
      this.#flushing = undefined
      if (this.#queue.length > 0) this.#schedule()
    })
    return this.#flushing
  }

  #takeGroup(): Waiting[] {
    let count = 0
    let bytes = 0
    while (count < this.#queue.length && (count === 0 || bytes + (this.#queue[count] as Waiting).bytes <= this.#options.groupBytesMax))
      bytes += (this.#queue[count++] as Waiting).bytes
    this.#queueBytes -= bytes
    return this.#queue.splice(0, count)
  }

  /** One frame, one write; on failure nothing of it stays and each call of the group is refused. */
  #writeGroup(group: readonly Waiting[]): { frame: Frame; offsets: readonly number[][] } | undefined {
    const next = [...this.#written]
    const offsets = group.map((waiting) => waiting.records.map(({ partition }) => (next[partition] as number)++))
    const [only] = group
    const alone = group.length === 1 && only !== undefined
    const records = alone ? only.records : group.flatMap((waiting) => waiting.records)
    const flat = alone ? (offsets[0] as number[]) : offsets.flat()
    try {
      if (this.#position >= this.#options.segmentBytesMax) this.#roll()
      const now = Math.max(this.files.appendedAt, this.#options.clock.now()) as EpochMs
      const { buffer, frame } = encodeFrame(records, flat, now, this.files.sequence, this.#memory)
      this.#options.write(this.#fd, buffer, this.#position)
      this.#position += buffer.length
      next.forEach((offset, p) => (this.#written[p] = offset))
      return { frame, offsets }
    } catch (cause) {
      this.#undo(group, cause)
      return undefined
    }
  }

  #undo(group: readonly Waiting[], cause: unknown): void {
    let failure: Error = new RetryableFailure(
      'disk-full',
      `${this.files.folder} could not be written (${describe(cause)}); nothing was appended. Free space or raise the quota; appends succeed again by themselves.`,
      cause,
    )
    try {
      ftruncateSync(this.#fd, this.#position)
    } catch (truncation) {
      failure = this.#breakDown(`a failed write could not be undone (${describe(truncation)})`, truncation)
    }
    for (const waiting of group) waiting.reject(failure)
  }

  async #flushed(group: readonly Waiting[]): Promise<boolean> {
    try {
      await flushData(this.#fd)
      return true
    } catch (cause) {
      // After a failed flush the page cache may claim what the disk never got: nothing further can be promised.
      const failure = this.#breakDown(`flushing to disk failed (${describe(cause)})`, cause)
      for (const waiting of [...group, ...this.#queue.splice(0)]) waiting.reject(failure)
      return false
    }
  }

  #publish(group: readonly Waiting[], written: { frame: Frame; offsets: readonly number[][] }): void {
    this.files.accept(written.frame)
    group.forEach((waiting, i) => waiting.resolve(written.offsets[i] as number[]))
    for (const listener of this.#listeners) listener()
  }

  #roll(): void {
    const { files } = this
    const number = (files.last?.header.number ?? -1) + 1
    const header = { number, firstSequence: files.sequence, appendedBefore: files.appendedAt, startOffsets: [...files.ends] }
    const path = join(files.folder, segmentName(number))
    writeIndex(files.folder, number - 1, files.rows)
    const fd = openSync(path, 'w+')
    try {
      this.#options.write(fd, encodeSegmentHeader(header), 0)
    } catch (cause) {
      closeSync(fd)
      unlinkSync(path)
      throw cause
    }
    const sealed = this.#fd
    this.#fd = fd
    this.#position = headerBytes(files.partitions)
    files.begin(header)
    this.#options.rolled()
    void this.#seal(sealed)
  }

  async #seal(fd: number): Promise<void> {
    try {
      await flushData(fd)
      closeSync(fd)
      if (this.#options.durability === 'power-loss') {
        const folder = openSync(this.files.folder, 'r')
        await flushAll(folder)
        closeSync(folder)
      }
    } catch (cause) {
      this.#breakDown(`sealing a segment failed (${describe(cause)})`, cause)
    }
  }

  #breakDown(what: string, cause: unknown): TerminalFailure {
    const failure = new TerminalFailure(
      'log-broken',
      `${this.files.folder}: ${what}. The log accepts no more; restart the engine once the disk is sound. What was acknowledged is kept.`,
      cause,
    )
    this.#state = { kind: 'broken', failure }
    return failure
  }
}

const describe = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
