/**
 * How far a linked partition has folded each source partition. Owners emit in order of position, and begin anew only at or before what they
 * emitted: so of each source everything up to its mark is in, and what comes at or below it is a repeat.
 */
import { LINKED_KINDS } from '#schemas/linked-update.ts'
import type { LinkedUpdate } from '#schemas/linked-update.ts'
import { TerminalFailure } from '../failure.ts'

const orderOf = ({ sourceOffset, n }: Pick<LinkedUpdate, 'sourceOffset' | 'n'>): number => sourceOffset * LINKED_KINDS.length + n

export class HighWaterMarks {
  /** Per source partition: one more than the order of the newest update folded, 0 before the first. */
  readonly #marks: Float64Array

  /** @param stored As `bytes` gave them; absent, nothing is folded. */
  constructor(partitions: number, stored?: Uint8Array) {
    this.#marks = new Float64Array(partitions)
    if (stored === undefined) return
    if (stored.length !== this.#marks.byteLength)
      throw new TerminalFailure(
        'state-corrupt',
        `high-water marks of ${partitions} sources take ${this.#marks.byteLength} bytes, found are ${stored.length}. State is a cache: delete the state folder, and the engine rebuilds it from the log.`,
      )
    new Uint8Array(this.#marks.buffer).set(stored)
  }

  /** Whether the update is new; if so it counts as folded from now on. */
  advance(update: Pick<LinkedUpdate, 'sourcePartition' | 'sourceOffset' | 'n'>): boolean {
    const order = orderOf(update)
    if (order < this.#marks[update.sourcePartition]!) return false
    this.#marks[update.sourcePartition] = order + 1
    return true
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#marks.buffer.slice(0))
  }
}
