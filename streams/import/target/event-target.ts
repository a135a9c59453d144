/** Where an import's events go. */

import { Literals, SPELLED_OUT } from '../mapping/literals.ts'

const BATCH_BYTES = 131_072

/** Events in order, as lines of NDJSON one behind the other; each ends in a line feed. */
export class EventBatch {
  #bytes = Buffer.alloc(BATCH_BYTES)
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, BATCH_BYTES)
  #ends = new Uint32Array(512)
  count = 0

  static of(events: readonly string[]): EventBatch {
    const batch = new EventBatch()
    const none = new Literals()
    for (const event of events) {
      const line = Buffer.concat([Buffer.of(SPELLED_OUT), Buffer.from(`${event}\n`)])
      batch.add(line, 0, line.length, none)
    }
    return batch
  }

  /** One event, as it waited in a run: `line[from .. to)`. Copied. */
  add(line: Buffer, from: number, to: number, literals: Literals): void {
    const used = this.#end(this.count)
    const room = used + literals.roomFor(line, from, to)
    if (room > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], 2 * room)
      this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
    }
    if (this.count === this.#ends.length) {
      const more = new Uint32Array(2 * this.count)
      more.set(this.#ends)
      this.#ends = more
    }
    this.#ends[this.count++] = literals.spellOut(line, from, to, this.#view, used)
  }

  clear(): void {
    this.count = 0
  }

  /** Lines from the event of number `first` on: a view that the next batch overwrites. */
  lines(first = 0): Buffer {
    return this.#bytes.subarray(this.#end(first), this.#end(this.count))
  }

  /** One event without its line feed: a view that the next batch overwrites. */
  event(index: number): Buffer {
    return this.#bytes.subarray(this.#end(index), this.#end(index + 1) - 1)
  }

  #end(count: number): number {
    return count === 0 ? 0 : this.#ends[count - 1]!
  }
}

/** What became of a batch. Positions in `refused` count from the batch's first event. */
export interface Delivery {
  readonly accepted: number
  /** Recognised as delivered before. */
  readonly duplicates: number
  readonly refused: readonly { readonly index: number; readonly code: string; readonly detail: string }[]
}

export interface EventTarget {
  /** Events of one call to {@link deliver}, at most. */
  readonly batchEvents: number
  /** Delivers events in order; resolves once they survive the death of this process. */
  deliver(events: EventBatch): Promise<Delivery>
  /** Where the target stands after the last delivery: given back to it when an interrupted import goes on. */
  position(): number
  /** The import is complete: what was delivered becomes visible under its name. */
  complete(): Promise<void>
  close(): Promise<void>
}
