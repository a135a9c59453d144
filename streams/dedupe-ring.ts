/**
 * Which events of one applicant were seen lately: by producer and event id, with what content and where. Time is append time, so that a
 * replay forgets exactly what the live run forgot. Bounded twice, by the horizon and by count; what the count pushes out is counted.
 */
import type { Hash64 } from './hash64.ts'

/** Words of 32 bits an entry takes: id (2), content (2), offset (2), append time in seconds (1). */
export const RING_WORDS = 7
export const RING_ENTRY_BYTES = RING_WORDS * 4

export interface DedupeLimits {
  /** Append-time horizon; a repeat later than this is a new event. */
  readonly horizonMs: number
  readonly entriesMax: number
}
/** 7 days is the horizon of the contract; 1,024 events of one applicant in 7 days is one every ten minutes. */
export const DEDUPE_DEFAULT: DedupeLimits = { horizonMs: 7 * 86_400_000, entriesMax: 1024 }

export type Seen =
  | { readonly kind: 'new' }
  | { readonly kind: 'duplicate'; readonly offset: number }
  | { readonly kind: 'conflict'; readonly offset: number }
const NEW: Seen = { kind: 'new' }

/** Words to allocate for a ring of so many entries: a quarter more, so that growing is rare and little is held that is not used. */
export const ringRoom = (entries: number): number => RING_WORDS * (entries + Math.max(4, entries >> 2))

export class DedupeRing {
  /** Entries in the order of their offsets, oldest first. */
  words: Uint32Array
  count: number
  /** Entries pushed out before their horizon. */
  overflow: number
  /** How many of the entries, the first ones, lie in the store in a record of their own (`older-entries.ts`). */
  settled = 0

  constructor(words = new Uint32Array(ringRoom(0)), count = 0, overflow = 0) {
    this.words = words
    this.count = count
    this.overflow = overflow
  }

  look(id: Hash64, content: Hash64, nowMs: number, limits: DedupeLimits): Seen {
    const { words } = this
    const oldest = Math.floor((nowMs - limits.horizonMs) / 1000)
    for (let at = (this.count - 1) * RING_WORDS; at >= 0; at -= RING_WORDS) {
      if (words[at] !== id.low || words[at + 1] !== id.high) continue
      if ((words[at + 6] as number) < oldest) return NEW
      const offset = (words[at + 5] as number) * 0x100000000 + (words[at + 4] as number)
      return { kind: words[at + 2] === content.low && words[at + 3] === content.high ? 'duplicate' : 'conflict', offset }
    }
    return NEW
  }

  add(id: Hash64, content: Hash64, offset: number, nowMs: number, limits: DedupeLimits): void {
    this.#forget(Math.floor((nowMs - limits.horizonMs) / 1000))
    if (this.count >= limits.entriesMax) {
      this.#dropFirst(this.count - limits.entriesMax + 1)
      this.overflow++
    }
    if ((this.count + 1) * RING_WORDS > this.words.length) {
      const grown = new Uint32Array(ringRoom(this.count))
      grown.set(this.words)
      this.words = grown
    }
    const at = this.count++ * RING_WORDS
    const { words } = this
    words[at] = id.low
    words[at + 1] = id.high
    words[at + 2] = content.low
    words[at + 3] = content.high
    words[at + 4] = offset >>> 0
    words[at + 5] = Math.floor(offset / 0x100000000)
    words[at + 6] = Math.floor(nowMs / 1000)
  }

  /** Puts older entries before those that are there. */
  putBefore(older: Int32Array): void {
    const words = this.count * RING_WORDS
    if (older.length + words > this.words.length) {
      const grown = new Uint32Array(ringRoom(this.count + older.length / RING_WORDS))
      grown.set(this.words.subarray(0, words), older.length)
      this.words = grown
    } else this.words.copyWithin(older.length, 0, words)
    this.words.set(older)
    this.count += older.length / RING_WORDS
  }

  #forget(oldestS: number): void {
    let gone = 0
    while (gone < this.count && (this.words[gone * RING_WORDS + 6] as number) < oldestS) gone++
    if (gone > 0) this.#dropFirst(gone)
  }

  #dropFirst(entries: number): void {
    this.words.copyWithin(0, entries * RING_WORDS, this.count * RING_WORDS)
    this.count -= entries
    this.settled = Math.max(0, this.settled - entries)
  }
}
