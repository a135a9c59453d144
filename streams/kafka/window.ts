/**
 * A run of one partition's records in memory, ahead of a reader and a little behind it. Whoever reads inside it is served at once; it is
 * filled from its end. Several readers share a window as long as they stay inside.
 */
import type { LogRecord } from '../ports.ts'

interface Chunk {
  readonly records: readonly LogRecord[]
  readonly bytes: number
  /** Offset behind the chunk: gaps belong to the chunk before them. */
  readonly next: number
}

export class Window {
  readonly partition: number
  /** First offset held. */
  from: number
  /** Where fetching goes on. */
  next: number
  /** Epoch under which the last record was written; −1 unknown. */
  leaderEpoch = -1
  /** Highest offset a reader asked for. */
  position: number
  /** Turn of the reader's last visit, to find the window that is least in use. */
  lastRead = 0
  bytes = 0
  inFlight = false
  /** Readers that wait for it to be filled. */
  waiting = 0
  /** Why this window cannot be filled any more; readers that reach its end get it. */
  failure: Error | undefined
  #chunks: Chunk[] = []
  /** Bytes of chunks that lie wholly before `position`. */
  #behind = 0

  constructor(partition: number, from: number) {
    this.partition = partition
    this.from = from
    this.next = from
    this.position = from
  }

  holds(offset: number): boolean {
    return offset >= this.from && offset <= this.next
  }

  /** Bytes that no reader has asked for yet. */
  get ahead(): number {
    return this.bytes - this.#behind
  }

  add(records: readonly LogRecord[], bytes: number, next: number, leaderEpoch: number): void {
    if (leaderEpoch >= 0) this.leaderEpoch = leaderEpoch
    this.next = next
    if (records.length === 0) return
    this.#chunks.push({ records, bytes, next })
    this.bytes += bytes
  }

  /** Records from `offset` on, about `bytesMax` bytes but at least one where there is one. */
  read(offset: number, bytesMax: number): readonly LogRecord[] {
    let at = this.#chunkOf(offset)
    for (; at < this.#chunks.length; at++) {
      const { records } = this.#chunks[at] as Chunk
      const first = firstFrom(records, offset)
      if (first === records.length) continue
      let used = 0
      let end = first
      for (; end < records.length; end++) {
        const record = records[end] as LogRecord
        used += record.key.length + record.value.length
        if (used > bytesMax && end > first) break
      }
      this.#advance((records[end - 1] as LogRecord).offset + 1)
      return first === 0 && end === records.length ? records : records.slice(first, end)
    }
    return []
  }

  /** Forgets the oldest of what was read, down to `bytesKept` bytes of it. */
  trim(bytesKept: number): void {
    let gone = 0
    for (; this.#behind > bytesKept; gone++) {
      const { bytes, next } = this.#chunks[gone] as Chunk
      this.#behind -= bytes
      this.bytes -= bytes
      this.from = next
    }
    if (gone > 0) this.#chunks.splice(0, gone)
  }

  #advance(position: number): void {
    if (position <= this.position) return
    let at = this.#chunkOf(this.position)
    this.position = position
    for (; at < this.#chunks.length && (this.#chunks[at] as Chunk).next <= position; at++) this.#behind += (this.#chunks[at] as Chunk).bytes
  }

  /** First chunk that reaches beyond `offset`. */
  #chunkOf(offset: number): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#chunks[middle] as Chunk).next <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

const firstFrom = (records: readonly LogRecord[], offset: number): number => {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle] as LogRecord).offset < offset) low = middle + 1
    else high = middle
  }
  return low
}
