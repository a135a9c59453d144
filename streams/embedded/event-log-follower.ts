/**
 * Following the embedded log from another process: reads what the engine writes, checks every frame itself, and tells the engine what
 * it has finished with through `consumers/<name>.json`. Frames of a write in progress are simply not there yet.
 */
import { join } from 'node:path'
import type { AppendRecord, EventLog, LogRecord, Topic } from '../ports.ts'
import { TerminalFailure } from '../failure.ts'
import { BlockCache } from './block-cache.ts'
import { ConsumerOffsets } from './consumers.ts'
import { readFiles, refuseDamage, type TopicPartitions } from './event-log.ts'
import { TopicFiles } from './topic-files.ts'

const MEBI = 1024 * 1024

export interface FollowerOptions {
  readonly folder: string
  readonly partitions: TopicPartitions
  readonly topics: readonly Topic[]
  /** How often new frames are looked for. */
  readonly pollMs?: number
  readonly tailBytesMax?: number
  readonly blockBytesMax?: number
  /**
   * Blocks of a file that one read behind the tail takes records from; by default as many as the bytes asked for reach into. Partitions lie interleaved:
   * for readers that go round all of them, 1 keeps them near one another, so that a block is read once for all. With more, each partition's share pushes
   * out of the cache what the next one needs, and the warehouse process read each block of a log that it followed at full speed some twenty times.
   */
  readonly coldBlocksMax?: number
}

interface Followed {
  readonly files: TopicFiles
  readonly consumers: ConsumerOffsets
  readonly listeners: Set<() => void>
  /** Found while scanning: thrown by the next read of the topic. */
  failure: unknown
}

/** Opens the log for reading. A failure found while polling (damage, lost records) is thrown by the next `read`. */
export const openReadOnly = (options: FollowerOptions): EventLogFollower => new EventLogFollower(options)

export class EventLogFollower implements EventLog {
  readonly #options: FollowerOptions
  readonly #topics = new Map<Topic, Followed>()
  readonly #timer: NodeJS.Timeout

  constructor(options: FollowerOptions) {
    this.#options = options
    const blocks = new BlockCache(options.blockBytesMax ?? 8 * MEBI)
    for (const topic of options.topics) {
      const folder = join(options.folder, topic)
      const partitions = options.partitions[topic]
      const files = new TopicFiles({ folder, partitions, tailBytesMax: options.tailBytesMax ?? 8 * MEBI, blocks })
      this.#topics.set(topic, {
        files,
        consumers: new ConsumerOffsets(folder, partitions),
        listeners: new Set(),
        failure: firstScan(files),
      })
    }
    this.#timer = setInterval(() => this.poll(), options.pollMs ?? 5)
  }

  partitions(topic: Topic): number {
    return this.#options.partitions[topic]
  }

  start(topic: Topic): readonly number[] {
    return this.#topic(topic).files.starts()
  }

  end(topic: Topic): readonly number[] {
    return [...this.#topic(topic).files.ends]
  }

  append(topic: Topic, _records: readonly AppendRecord[]): Promise<readonly number[]> {
    return Promise.reject(new TerminalFailure('closed', `${topic} is open read-only; only the engine appends`))
  }

  async read(topic: Topic, partition: number, offset: number, bytesMax: number): Promise<readonly LogRecord[]> {
    const { files, failure } = this.#topic(topic)
    if (failure !== undefined) throw failure
    return readFiles(files, topic, partition, offset, bytesMax, this.#options.coldBlocksMax)
  }

  async refresh(): Promise<void> {
    this.poll()
  }

  onAppend(topic: Topic, listener: () => void): () => void {
    const { listeners } = this.#topic(topic)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  release(topic: Topic, consumer: string, offsets: readonly number[]): void {
    this.#topic(topic).consumers.release(consumer, offsets)
  }

  close(): Promise<void> {
    clearInterval(this.#timer)
    for (const { consumers } of this.#topics.values()) consumers.flush()
    return Promise.resolve()
  }

  /** Looks for new frames now. */
  poll(): void {
    for (const followed of this.#topics.values()) {
      const before = followed.files.sequence
      try {
        followed.files.scan()
      } catch (failure) {
        followed.failure = failure
      }
      if (followed.files.sequence !== before || followed.failure !== undefined) for (const listener of followed.listeners) listener()
    }
  }

  #topic(topic: Topic): Followed {
    const held = this.#topics.get(topic)
    if (held === undefined)
      throw new RangeError(`topic "${topic}" is not followed here; followed are ${[...this.#topics.keys()].join(', ')}`)
    return held
  }
}

/** Unlike a poll, the first look also asks whether what seems unfinished is damage with whole frames behind it. */
const firstScan = (files: TopicFiles): unknown => {
  try {
    const end = files.scan()
    if (end.kind === 'unfinished') refuseDamage(files, end.reason)
    return undefined
  } catch (failure) {
    return failure
  }
}
