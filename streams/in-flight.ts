/**
 * Events appended, or being appended, that the engine has not folded yet: until then no dedupe ring knows them. A hash table in flat arrays
 * (open addressing, linear probing): an object and a text for each would be most of what outlives the collector's young generation.
 */
import type { Hash64 } from './hash64.ts'

const LEAST_ENTRIES = 1_024

/** Handle of an entry, until it is forgotten or folded. */
export type InFlight = number

/** Bounded by the engine's lag, which ingest bounds. Events are known by 64 bits of their identity, as the dedupe rings know them. */
export class InFlightIndex {
  /** Entry + 1 by place, 0 where free; twice as many places as entries. */
  #places = new Int32Array(LEAST_ENTRIES * 2)
  /** Words of an entry: identity (low, high), content (low, high), partition, index within its append. */
  #words = new Uint32Array(LEAST_ENTRIES * 6)
  #offsets = new Float64Array(LEAST_ENTRIES)
  /** Resolves with the offsets of all records appended together, or rejects as the append did. */
  #appends: (Promise<readonly number[]> | undefined)[] = []
  #free: InFlight[] = []
  #size = 0
  /** Acknowledged ones per partition, in the order of their offsets. */
  readonly #queues: { entries: InFlight[]; head: number }[]

  constructor(partitions: number) {
    this.#queues = Array.from({ length: partitions }, () => ({ entries: [], head: 0 }))
  }

  get size(): number {
    return this.#size
  }

  find(identity: Hash64): InFlight | undefined {
    const mask = this.#places.length - 1
    for (let place = identity.low & mask; ; place = (place + 1) & mask) {
      const entry = (this.#places[place] as number) - 1
      if (entry < 0) return undefined
      if (this.#words[entry * 6] === identity.low && this.#words[entry * 6 + 1] === identity.high) return entry
    }
  }

  /** The identity must not be there yet. */
  add(identity: Hash64, content: Hash64, partition: number, append: Promise<readonly number[]>, index: number): InFlight {
    if (this.#size * 2 >= this.#places.length) this.#grow()
    const entry = this.#free.pop() ?? this.#size
    this.#size++
    const at = entry * 6
    this.#words[at] = identity.low
    this.#words[at + 1] = identity.high
    this.#words[at + 2] = content.low
    this.#words[at + 3] = content.high
    this.#words[at + 4] = partition
    this.#words[at + 5] = index
    this.#offsets[entry] = -1
    this.#appends[entry] = append
    this.#place(entry)
    return entry
  }

  isContent(entry: InFlight, content: Hash64): boolean {
    return this.#words[entry * 6 + 2] === content.low && this.#words[entry * 6 + 3] === content.high
  }

  partition(entry: InFlight): number {
    return this.#words[entry * 6 + 4] as number
  }

  /** Its place among what was appended together. */
  index(entry: InFlight): number {
    return this.#words[entry * 6 + 5] as number
  }

  /** Resolves with its offset, or rejects as the append did. */
  offset(entry: InFlight): Promise<number> {
    const index = this.index(entry)
    return (this.#appends[entry] as Promise<readonly number[]>).then((offsets) => offsets[index] as number)
  }

  acknowledged(entry: InFlight, offset: number): void {
    this.#offsets[entry] = offset
    this.#queues[this.partition(entry)]?.entries.push(entry)
  }

  /** Closes the gap it leaves, so that probing needs no tombstones (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). */
  forget(entry: InFlight): void {
    const places = this.#places
    const mask = places.length - 1
    let gap = this.#homeOf(entry)
    while (places[gap] !== entry + 1) gap = (gap + 1) & mask
    for (let next = (gap + 1) & mask; places[next] !== 0; next = (next + 1) & mask) {
      const home = this.#homeOf((places[next] as number) - 1)
      if (((next - home) & mask) < ((next - gap) & mask)) continue
      places[gap] = places[next] as number
      gap = next
    }
    places[gap] = 0
    this.#appends[entry] = undefined
    this.#free.push(entry)
    this.#size--
  }

  /**
   * Forgets what lies below the engine's positions: the dedupe rings know it now. Of partitions that are another process's everything: their
   * owner recognises repeats when it folds.
   */
  folded(positions: ReadonlyMap<number, number>): void {
    this.#queues.forEach((queue, partition) => {
      const position = positions.get(partition) ?? Infinity
      while (queue.head < queue.entries.length) {
        const entry = queue.entries[queue.head] as InFlight
        if ((this.#offsets[entry] as number) >= position) break
        this.forget(entry)
        queue.head++
      }
      if (queue.head === queue.entries.length) {
        queue.entries.length = 0
        queue.head = 0
      } else if (queue.head > 1024) {
        queue.entries = queue.entries.slice(queue.head)
        queue.head = 0
      }
    })
  }

  #homeOf(entry: InFlight): number {
    return (this.#words[entry * 6] as number) & (this.#places.length - 1)
  }

  #place(entry: InFlight): void {
    const mask = this.#places.length - 1
    let place = this.#homeOf(entry)
    while (this.#places[place] !== 0) place = (place + 1) & mask
    this.#places[place] = entry + 1
  }

  #grow(): void {
    const { length } = this.#places
    const words = new Uint32Array(this.#words.length * 2)
    words.set(this.#words)
    this.#words = words
    const offsets = new Float64Array(this.#offsets.length * 2)
    offsets.set(this.#offsets)
    this.#offsets = offsets
    this.#places = new Int32Array(length * 2)
    // All entries are in use: it grows only where none is free.
    for (let entry = 0; entry < this.#size; entry++) this.#place(entry)
  }
}
