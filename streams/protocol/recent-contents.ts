/**
 * Contents of the positions decided last in a partition, so that a repeat is told from a contradiction without reading the log again.
 * Positions are believed in ascending order; what comes at or below the newest is a repeat of one already held here or, if older, in the log.
 */

/** Positions remembered: a repeat reaches back to the last commit, a few thousand decisions at most. 36 bytes each. */
const POSITIONS = 4_096
const HASH_BYTES = 32

export class RecentContents {
  readonly #offsets = new Float64Array(POSITIONS)
  readonly #hashes = Buffer.alloc(POSITIONS * HASH_BYTES)
  #count = 0

  /** Newest position, −1 before the first. */
  get newest(): number {
    return this.#count === 0 ? -1 : (this.#offsets[(this.#count - 1) % POSITIONS] as number)
  }

  /** `offset` must be above {@link newest}; `hash` is a capsule's, 64 hexadecimal digits. */
  remember(offset: number, hash: string): void {
    if (offset <= this.newest) throw new RangeError(`position ${offset} is not above ${this.newest}, the newest remembered`)
    const at = this.#count++ % POSITIONS
    this.#offsets[at] = offset
    this.#hashes.write(hash, at * HASH_BYTES, HASH_BYTES, 'hex')
  }

  /** Hash of a position still held; undefined where it was never believed or is too old to be held. */
  find(offset: number): string | undefined {
    let low = Math.max(0, this.#count - POSITIONS)
    let high = this.#count - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#offsets[middle % POSITIONS] as number
      if (found === offset) {
        const at = (middle % POSITIONS) * HASH_BYTES
        return this.#hashes.toString('hex', at, at + HASH_BYTES)
      }
      if (found < offset) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }
}
