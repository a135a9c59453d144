/** Events appended, or being appended, that the engine has not folded yet: until then no dedupe ring knows them. */
import type { Hash64 } from './hash64.ts'

export class InFlight {
  readonly key: string
  readonly contentHigh: number
  readonly contentLow: number
  readonly partition: number
  /** −1 until the append is acknowledged. */
  offset = -1
  /** Resolves with the offsets of all records appended together, or rejects as the append did. */
  readonly appended: Promise<readonly number[]>
  /** Its place among them. */
  readonly index: number

  constructor(key: string, content: Hash64, partition: number, appended: Promise<readonly number[]>, index: number) {
    this.key = key
    this.contentHigh = content.high
    this.contentLow = content.low
    this.partition = partition
    this.appended = appended
    this.index = index
  }
}

/** Bounded by the engine's lag, which ingest bounds. */
export class InFlightIndex {
  readonly #byKey = new Map<string, InFlight>()
  /** Acknowledged ones per partition, in the order of their offsets. */
  readonly #queues: { entries: InFlight[]; head: number }[]

  constructor(partitions: number) {
    this.#queues = Array.from({ length: partitions }, () => ({ entries: [], head: 0 }))
  }

  get size(): number {
    return this.#byKey.size
  }

  find(key: string): InFlight | undefined {
    return this.#byKey.get(key)
  }

  add(key: string, content: Hash64, partition: number, appended: Promise<readonly number[]>, index: number): InFlight {
    const entry = new InFlight(key, content, partition, appended, index)
    this.#byKey.set(key, entry)
    return entry
  }

  acknowledged(entry: InFlight, offset: number): void {
    entry.offset = offset
    this.#queues[entry.partition]?.entries.push(entry)
  }

  forget(entry: InFlight): void {
    this.#byKey.delete(entry.key)
  }

  /**
   * Forgets what lies below the engine's positions: the dedupe rings know it now. Of partitions that are another process's everything: their
   * owner recognises repeats when it folds.
   */
  folded(positions: ReadonlyMap<number, number>): void {
    this.#queues.forEach((queue, partition) => {
      const position = positions.get(partition) ?? Infinity
      let entry = queue.entries[queue.head]
      while (entry !== undefined && entry.offset < position) {
        this.#byKey.delete(entry.key)
        entry = queue.entries[++queue.head]
      }
      if (queue.head > 1024) {
        queue.entries = queue.entries.slice(queue.head)
        queue.head = 0
      }
    })
  }
}
