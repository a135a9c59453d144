/**
 * Follows the decisions log, whichever process wrote it, and passes on what is believed, once per input position. Where several processes
 * share a log this, not the engine beside it, is what answers those who wait.
 */
import { peekDecision } from '#schemas/wire.ts'
import type { Pauses } from './pipeline/pauses.ts'
import type { EventLog, LogRecord } from './ports.ts'
import { isBelieved, seeClaim } from './protocol/belief.ts'

const PAGE_BYTES = 1024 * 1024
/** After a read failed; the log is asked again however long that takes. */
const AGAIN_MS = 100

/** Where a reader stands: per partition. */
export interface ReaderPosition {
  /** Next offset to read. */
  readonly next: ArrayLike<number>
  /** Newest claim before it, −1 where there is none. */
  readonly epoch: ArrayLike<number>
  /** Highest input offset decided before it, −1 before any: what lies at or below is a repeat. */
  readonly decided: ArrayLike<number>
}

export interface FollowPorts {
  readonly log: EventLog
  readonly pauses: Pauses
  /** Called with each failure to read; the follower itself goes on. */
  readonly failed: (failure: unknown) => void
}

export class DecisionFollower {
  readonly #ports: FollowPorts
  readonly #take: (records: readonly LogRecord[]) => void
  readonly #next: Float64Array
  readonly #epoch: Float64Array
  readonly #decided: Float64Array
  readonly #unsubscribe: () => void
  #again = false
  #pumping: Promise<void> | undefined
  #closed = false

  /** `take` is given the believed decisions of one partition, undecoded, in order. */
  constructor(ports: FollowPorts, from: ReaderPosition, take: (records: readonly LogRecord[]) => void) {
    this.#ports = ports
    this.#take = take
    this.#next = Float64Array.from(from.next)
    this.#epoch = Float64Array.from(from.epoch)
    this.#decided = Float64Array.from(from.decided)
    this.#unsubscribe = ports.log.onAppend('decisions', () => this.#wake())
    this.#wake()
  }

  /** Stops; resolves once nothing is read any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    await this.#pumping
  }

  #wake(): void {
    this.#again = true
    this.#pumping ??= this.#pump().finally(() => (this.#pumping = undefined))
  }

  async #pump(): Promise<void> {
    const { log, pauses, failed } = this.#ports
    while (this.#again && !this.#closed) {
      this.#again = false
      try {
        await Promise.all(Array.from(this.#next, (_, partition) => this.#readOn(partition, log.end('decisions')[partition] ?? 0)))
      } catch (failure) {
        failed(failure)
        this.#again = true
        await pauses.wait(AGAIN_MS)
      }
    }
  }

  async #readOn(partition: number, end: number): Promise<void> {
    while ((this.#next[partition] as number) < end && !this.#closed) {
      const records = await this.#ports.log.read('decisions', partition, this.#next[partition] as number, PAGE_BYTES)
      if (records.length === 0) return
      const believed = records.filter((record) => this.#step(record))
      if (believed.length > 0) this.#take(believed)
    }
  }

  /** Moves past the record; true where it is a decision that is believed and new. */
  #step({ partition, offset, value }: LogRecord): boolean {
    this.#next[partition] = offset + 1
    const facts = peekDecision(value)
    if (facts.kind === 'claim') this.#epoch[partition] = seeClaim(this.#epoch[partition] as number, offset)
    if (facts.kind !== 'decision' || !isBelieved(this.#epoch[partition] as number, facts.epoch)) return false
    if (facts.offset <= (this.#decided[partition] as number)) return false
    this.#decided[partition] = facts.offset
    return true
  }
}
