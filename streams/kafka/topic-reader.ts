/**
 * Reads one topic: windows of records ahead of its readers, filled by two loops a broker. One waits at the ends for what is new, one
 * catches up with what is known to be there; a broker answers a connection in order, so that waiting must not hold up the other.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import type { LogRecord } from '../ports.ts'
import { explained, type KafkaCluster } from './cluster.ts'
import { type FetchedPartition, fetchRecords } from './fetch.ts'
import { listOffsets } from './list-offsets.ts'
import { judgeFault } from './partition-fault.ts'
import { TopicPartition } from './topic-partition.ts'
import type { Window } from './window.ts'

type Slot = 'tail' | 'bulk'

/** How long a broker holds a fetch at the end; shorter costs idle requests, longer delays what joins the wait meanwhile. */
const TAIL_WAIT_MS = 500
/** For windows that came to the end while the other loop waits: until they can join it. */
const JOIN_WAIT_MS = 15
const RETRY_MS = 100
/** A window that nobody visited for so long is given up, with what it holds. */
const IDLE_MS_MAX = 10_000
const HOUSEKEEPING_MS = 1_000
const REQUEST_BYTES_MAX = 8 * 1024 * 1024

export interface TopicReaderOptions {
  readonly cluster: KafkaCluster
  readonly topic: string
  readonly topicId: string
  readonly partitions: number
  /** Bytes fetched ahead of a reader, and as many kept behind it, for each window. */
  readonly windowBytes: number
  readonly logger: Logger
}

export class TopicReader {
  readonly #options: TopicReaderOptions
  readonly #partitions: TopicPartition[]
  readonly #busy = new Set<string>()
  readonly #listeners = new Set<() => void>()
  readonly #housekeeping: NodeJS.Timeout
  #waiting: (() => void)[] = []
  #announced = false
  #closed = false

  constructor(options: TopicReaderOptions) {
    this.#options = options
    this.#partitions = Array.from({ length: options.partitions }, (_, partition) => new TopicPartition(options.topic, partition))
    this.#housekeeping = setInterval(() => void this.#keepHouse(), HOUSEKEEPING_MS)
    this.#housekeeping.unref()
  }

  starts(): number[] {
    return this.#partitions.map(({ start }) => start)
  }

  ends(): number[] {
    return this.#partitions.map((at) => at.readableEnd())
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The broker acknowledged records up to `end`. */
  appended(partition: number, end: number): void {
    this.#grow(this.#at(partition), end)
  }

  async read(partition: number, offset: number, bytesMax: number): Promise<readonly LogRecord[]> {
    const at = this.#at(partition)
    if (offset > at.end) await this.refresh([partition])
    for (;;) {
      at.refuseOutside(offset)
      const window = at.windowFor(offset)
      const records = window.read(offset, bytesMax)
      window.trim(this.#options.windowBytes)
      if (records.length === 0 && window.failure !== undefined) {
        at.drop(window)
        throw window.failure
      }
      if (records.length > 0 || window.next >= at.end) {
        if (records.length === 0) at.noteGap(offset)
        this.#pump()
        return records
      }
      this.#pump()
      window.waiting++
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      window.waiting--
      if (this.#closed) throw new TerminalFailure('closed', `${this.#options.topic} was closed while it was read`)
    }
  }

  /** Whether a record can be read at `offset`; waits until every transaction up to there has ended. */
  async holds(partition: number, offset: number): Promise<boolean> {
    for (const at = this.#at(partition); at.end <= offset; await delay(RETRY_MS)) await this.refresh([partition])
    return (await this.read(partition, offset, 1))[0]?.offset === offset
  }

  /** Asks the leaders where these partitions begin and end. */
  async refresh(partitions: readonly number[]): Promise<void> {
    const { cluster, topic } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        if (attempt > 0 || partitions.some((partition) => this.#at(partition).leader < 0)) await this.#learnLeaders()
        const found = await listOffsets(
          cluster,
          topic,
          partitions.map((partition) => ({ partition, ...this.#at(partition) })),
        )
        for (const { partition, start, end } of found) {
          this.#at(partition).start = start
          this.#grow(this.#at(partition), end)
        }
        return
      } catch (error) {
        const failure = explained(error, `asking for the ends of ${topic}`)
        if (failure instanceof TerminalFailure || attempt === 5 || this.#closed) throw failure
        await delay(RETRY_MS * 2 ** attempt)
      }
    }
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#housekeeping)
    this.#wake()
  }

  #at(partition: number): TopicPartition {
    const at = this.#partitions[partition]
    if (at === undefined)
      throw new RangeError(`partition ${partition} of ${this.#options.topic} does not exist: it has ${this.#partitions.length}`)
    return at
  }

  #grow(at: TopicPartition, end: number): void {
    if (end <= at.end) return
    at.end = end
    if (this.#announced) return
    this.#announced = true
    setImmediate(() => {
      this.#announced = false
      for (const listener of this.#listeners) listener()
    })
    this.#pump()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** Starts the loops that have something to do. */
  #pump(): void {
    if (this.#closed) return
    const leaders = new Set<number>()
    for (const { leader, windows } of this.#partitions) if (windows.length > 0) leaders.add(leader)
    for (const leader of leaders)
      for (const slot of ['tail', 'bulk'] as const) {
        const name = `${slot}${leader}`
        if (this.#busy.has(name) || this.#wanted(leader, slot).length === 0) continue
        this.#busy.add(name)
        void this.#loop(leader, slot).finally(() => this.#busy.delete(name))
      }
  }

  /** Windows this loop should fetch for next: one a partition, with room for more. */
  #wanted(leader: number, slot: Slot): Window[] {
    const out: Window[] = []
    const tailIsBusy = this.#busy.has(`tail${leader}`)
    for (const at of this.#partitions) {
      if (at.leader !== leader) continue
      const best = at.wanted(this.#options.windowBytes, (behind) => (slot === 'tail' ? !behind : behind || tailIsBusy))
      if (best !== undefined) out.push(best)
    }
    return out
  }

  async #loop(leader: number, slot: Slot): Promise<void> {
    let barren = false
    for (let wanted = this.#wanted(leader, slot); wanted.length > 0 && !this.#closed; wanted = this.#wanted(leader, slot)) {
      for (const window of wanted) window.inFlight = true
      try {
        const behind: boolean = !barren && wanted.some((window) => window.next < this.#at(window.partition).end)
        barren = !(await this.#fetch(leader, slot, wanted, slot === 'tail' ? TAIL_WAIT_MS : behind ? 0 : JOIN_WAIT_MS))
      } catch (error) {
        if (this.#closed) return
        await this.#afterFault(error, wanted)
      } finally {
        for (const window of wanted) window.inFlight = false
        this.#wake()
      }
      if (slot === 'tail') this.#pump()
    }
  }

  /** True where records came. */
  async #fetch(leader: number, slot: Slot, windows: readonly Window[], waitMs: number): Promise<boolean> {
    const { cluster, topic, topicId, windowBytes } = this.#options
    const connection = await cluster.connection(leader, slot, topic)
    const asked = windows.map((window) => ({
      partition: window.partition,
      offset: window.next,
      leaderEpoch: this.#at(window.partition).leaderEpoch,
      lastFetchedEpoch: window.leaderEpoch,
    }))
    const fetched = await fetchRecords(connection, topicId, asked, { waitMs, partitionBytes: windowBytes, totalBytes: REQUEST_BYTES_MAX })
    const byPartition = new Map(windows.map((window) => [window.partition, window]))
    let any = false
    let faulty = false
    for (const one of fetched) {
      const window = byPartition.get(one.partition) as Window
      if (one.errorCode !== 0 || one.divergesAt !== undefined) faulty = (await this.#judge(window, one)) || faulty
      else {
        const at = this.#at(one.partition)
        window.add(one.records, one.bytes, one.next, one.leaderEpoch)
        at.start = Math.max(at.start, one.start)
        any ||= one.next > (asked.find(({ partition }) => partition === one.partition)?.offset ?? 0)
        this.#grow(at, one.end)
      }
    }
    if (faulty) {
      await delay(RETRY_MS)
      await this.#learnLeaders()
    }
    return any
  }

  /** True where trying again may help. */
  async #judge(window: Window, fetched: FetchedPartition): Promise<boolean> {
    const { cluster, topic, topicId } = this.#options
    window.failure = await judgeFault(cluster, {
      topic,
      topicId,
      window,
      fetched,
      refresh: () => this.refresh([window.partition]),
      bounds: () => this.#at(window.partition),
    })
    return window.failure === undefined
  }

  async #afterFault(error: unknown, windows: readonly Window[]): Promise<void> {
    const { topic, logger } = this.#options
    const failure = explained(error, `reading ${topic}`)
    if (failure instanceof TerminalFailure || error instanceof RangeError)
      for (const window of windows)
        window.failure = error instanceof RangeError ? new TerminalFailure('log-corrupt', error.message, error) : failure
    else {
      logger.warn({ topic, reason: failure.message }, 'reading stopped for a moment; it goes on by itself')
      await delay(RETRY_MS)
      await this.#learnLeaders()
    }
  }

  /** Keeps what it knew where no broker answers: the next fetch fails again, and asks again. */
  async #learnLeaders(): Promise<void> {
    const { cluster, topic, logger } = this.#options
    try {
      const found = (await cluster.topics([topic], true)).topics.get(topic)
      for (const [partition, { leader, leaderEpoch }] of (found?.partitions ?? []).entries()) {
        const at = this.#partitions[partition]
        if (at === undefined) continue
        at.leader = leader
        at.leaderEpoch = leaderEpoch
      }
    } catch (error) {
      logger.warn({ topic, reason: explained(error, 'asking who leads').message }, 'no broker says who leads the partitions')
    }
  }

  /** Gives up windows nobody visits, and looks after the ends of partitions that nobody reads but someone listens to. */
  async #keepHouse(): Promise<void> {
    const idle = performance.now() - IDLE_MS_MAX
    const unread: number[] = []
    for (const [partition, at] of this.#partitions.entries()) {
      at.dropIdle(idle)
      if (at.windows.length === 0) unread.push(partition)
    }
    if (this.#listeners.size > 0 && unread.length > 0 && !this.#closed)
      await this.refresh(unread).catch((error: Error) => {
        if (!this.#closed)
          this.#options.logger.warn({ topic: this.#options.topic, reason: error.message }, 'the ends of partitions could not be asked for')
      })
  }
}
