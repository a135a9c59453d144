/** The embedded log: every topic a folder of segments under one data directory, one writing process, any number of followers. */
import { ftruncateSync, mkdirSync, openSync, closeSync, readFileSync, statSync, unlinkSync, writeFileSync, fsyncSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochMs } from '#schemas/units.ts'
import type { AppendRecord, Clock, EventLog, LogRecord, Topic } from '../ports.ts'
import { TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import { partitionsOf, TOPICS } from '../topics.ts'
import { BlockCache, corrupt } from './block-cache.ts'
import { ConsumerOffsets } from './consumers.ts'
import { FRAME_MAGIC, scanFrame } from './frame.ts'
import { expendable, type RetentionPolicy } from './retention.ts'
import { encodeSegmentHeader, headerBytes, indexName, listSegments, segmentName } from './segment.ts'
import { TopicFiles } from './topic-files.ts'
import { TopicWriter, writeFully, type Durability, type WriteAt } from './topic-writer.ts'

const MEBI = 1024 * 1024

export type TopicPartitions = Readonly<Record<Topic, number>>

/** `partitions` is the input's. */
export const topicPartitions = (partitions: number): TopicPartitions =>
  Object.fromEntries(TOPICS.map((topic) => [topic, partitionsOf(topic, partitions)])) as TopicPartitions

export interface EmbeddedLogOptions {
  /** Folder of the log within the data directory; created where missing. */
  readonly folder: string
  readonly partitions: TopicPartitions
  readonly clock: Clock
  readonly durability: Durability
  readonly logger: Logger
  readonly segmentBytesMax?: number
  /** Newest records kept in memory, per topic. */
  readonly tailBytesMax?: number
  /** Blocks read back from disk, all topics together. */
  readonly blockBytesMax?: number
  readonly groupBytesMax?: number
  readonly queueBytesMax?: number
  /** Absent: everything is kept for ever. */
  readonly retention?: Partial<Record<Topic, RetentionPolicy>>
  readonly write?: WriteAt
}

/** Opens the log for writing. The caller holds the data directory's lock. */
export const openEventLog = (options: EmbeddedLogOptions): EmbeddedEventLog => new EmbeddedEventLog(options)

export class EmbeddedEventLog implements EventLog {
  readonly #options: EmbeddedLogOptions
  readonly #topics = new Map<Topic, { writer: TopicWriter; consumers: ConsumerOffsets }>()

  constructor(options: EmbeddedLogOptions) {
    this.#options = options
    const blocks = new BlockCache(options.blockBytesMax ?? 16 * MEBI)
    for (const topic of TOPICS) this.#open(topic, blocks)
  }

  partitions(topic: Topic): number {
    return this.#options.partitions[topic]
  }

  start(topic: Topic): readonly number[] {
    return this.#topic(topic).writer.files.starts()
  }

  end(topic: Topic): readonly number[] {
    return [...this.#topic(topic).writer.files.ends]
  }

  append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly number[]> {
    return this.#topic(topic).writer.append(records)
  }

  read(topic: Topic, partition: number, offset: number, bytesMax: number): Promise<readonly LogRecord[]> {
    return readFiles(this.#topic(topic).writer.files, topic, partition, offset, bytesMax)
  }

  /** Always up to date: the log is in this process or in its files. */
  async refresh(): Promise<void> {}

  onAppend(topic: Topic, listener: () => void): () => void {
    return this.#topic(topic).writer.onAppend(listener)
  }

  release(topic: Topic, consumer: string, offsets: readonly number[]): void {
    this.#topic(topic).consumers.release(consumer, offsets)
  }

  async close(): Promise<void> {
    for (const { writer, consumers } of this.#topics.values()) {
      await writer.close()
      consumers.flush()
    }
  }

  /** Deletes what retention allows; called by itself whenever a segment fills. Returns the number of segments deleted. */
  retain(topic: Topic): number {
    const policy = this.#options.retention?.[topic]
    const { writer, consumers } = this.#topic(topic)
    const { files } = writer
    if (policy === undefined) return 0
    const sealed = files.segments.slice(0, -1).map((segment, i) => {
      const next = files.segments[i + 1]?.header
      return { bytes: segment.size, appendedAt: next?.appendedBefore ?? (0 as EpochMs), endOffsets: next?.startOffsets ?? [] }
    })
    const gone = files.dropFirst(expendable(sealed, consumers.all(), policy, this.#options.clock.now()))
    for (const { header } of gone) {
      unlinkSync(join(files.folder, segmentName(header.number)))
      removeIfThere(join(files.folder, indexName(header.number)))
    }
    if (gone.length > 0)
      this.#options.logger.info(
        { topic, segments: gone.length, start: files.starts() },
        'retention deleted segments; a refold now begins after the start of the log',
      )
    return gone.length
  }

  #open(topic: Topic, blocks: BlockCache): void {
    const { options } = { options: this.#options }
    const folder = join(options.folder, topic)
    const partitions = options.partitions[topic]
    mkdirSync(folder, { recursive: true })
    removeHalfBegun(folder, partitions, options.logger)
    const files = new TopicFiles({ folder, partitions, tailBytesMax: options.tailBytesMax ?? 4 * MEBI, blocks })
    if (files.last === undefined) createFirst(files)
    else recover(files, options.logger)
    const writer = new TopicWriter({
      files,
      clock: options.clock,
      durability: options.durability,
      segmentBytesMax: options.segmentBytesMax ?? 64 * MEBI,
      groupBytesMax: options.groupBytesMax ?? 4 * MEBI,
      queueBytesMax: options.queueBytesMax ?? 64 * MEBI,
      write: options.write ?? writeFully,
      rolled: () => setImmediate(() => this.retain(topic)),
    })
    this.#topics.set(topic, { writer, consumers: new ConsumerOffsets(folder, partitions) })
  }

  #topic(topic: Topic): { writer: TopicWriter; consumers: ConsumerOffsets } {
    const held = this.#topics.get(topic)
    if (held === undefined) throw new RangeError(`unknown topic "${topic}"; topics are ${TOPICS.join(', ')}`)
    return held
  }
}

/** Reads from memory where the tail reaches back to `offset`, from disk otherwise. Shared with followers. */
export const readFiles = async (
  files: TopicFiles,
  topic: Topic,
  partition: number,
  offset: number,
  bytesMax: number,
  blocksMax?: number,
): Promise<readonly LogRecord[]> => {
  const end = files.ends[partition]
  if (end === undefined) throw new RangeError(`partition ${partition} of ${topic} does not exist: it has ${files.partitions}`)
  if (offset > end)
    throw new TerminalFailure(
      'log-shortened',
      `${topic}[${partition}] ends at ${end}, a reader stands at ${offset}: the log lost records it once had. Restore ${files.folder} from a copy; nothing is reset by itself.`,
    )
  if (offset === end) return []
  const start = files.starts()[partition] ?? 0
  if (offset < start)
    throw new TerminalFailure(
      'log-shortened',
      `${topic}[${partition}] begins at ${start}, a reader asks for ${offset}: retention deleted what it needs. Start that reader from ${start}, or restore older segments to ${files.folder}.`,
    )
  return files.tail.read(partition, offset, bytesMax) ?? files.readCold(partition, offset, bytesMax, blocksMax)
}

const createFirst = (files: TopicFiles): void => {
  const header = { number: 0, firstSequence: 0, appendedBefore: 0 as EpochMs, startOffsets: [...files.ends] }
  const path = join(files.folder, segmentName(0))
  writeFileSync(path, encodeSegmentHeader(header), { flush: true })
  const fd = openSync(files.folder, 'r')
  fsyncSync(fd)
  closeSync(fd)
  files.begin(header)
}

/** A crash between creating a segment and writing its header leaves less than a header, and nothing in it. */
const removeHalfBegun = (folder: string, partitions: number, logger: Logger): void => {
  const last = listSegments(folder).at(-1)
  if (last === undefined) return
  const path = join(folder, segmentName(last))
  if (statSync(path).size >= headerBytes(partitions)) return
  logger.warn({ path }, 'removed a segment that was being created when the process ended; it held no records')
  unlinkSync(path)
}

/** Scans the last segment; a torn tail is cut with a note, damage before whole frames is terminal. */
const recover = (files: TopicFiles, logger: Logger): void => {
  const end = files.scan()
  const last = files.last as { path: string; size: number }
  const size = statSync(last.path).size
  if (end.kind === 'unfinished') {
    refuseDamage(files, end.reason)
    logger.warn(
      { path: last.path, position: last.size, bytes: size - last.size, reason: end.reason },
      'cut a torn tail: the process ended while writing records that it had not acknowledged',
    )
  }
  if (size === last.size) return
  const fd = openSync(last.path, 'r+')
  ftruncateSync(fd, last.size)
  fsyncSync(fd)
  closeSync(fd)
}

/** Throws where whole frames follow the first one that is not: a torn write has nothing behind it. */
export const refuseDamage = (files: TopicFiles, reason: string): void => {
  const last = files.last
  const later = last === undefined ? undefined : wholeFrameAfter(last.path, last.size, files.sequence)
  if (last !== undefined && later !== undefined)
    throw corrupt(last.path, last.size, `${reason}, yet a whole frame follows at byte ${later}`)
}

const wholeFrameAfter = (path: string, from: number, sequence: number): number | undefined => {
  const rest = readFileSync(path).subarray(from)
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(FRAME_MAGIC)
  for (let at = rest.indexOf(magic, 1); at >= 0; at = rest.indexOf(magic, at + 1)) {
    const scan = scanFrame(rest, at, rest.length)
    if (scan.kind === 'frame' && scan.frame.sequence > sequence) return from + at
  }
  return undefined
}

const removeIfThere = (path: string): void => {
  try {
    unlinkSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
}
