/** The partitions a member holds, and the order in which its listener hears of changes: one after the other, never two at a time. */
import type { OwnershipListener } from '../ports.ts'

export class Holdings {
  readonly #listener: OwnershipListener
  readonly #owned = new Set<number>()
  #last: Promise<void> = Promise.resolve()
  #ended = false

  constructor(listener: OwnershipListener) {
    this.#listener = listener
  }

  /** Held now, ascending: given out only once let go. */
  owned(): number[] {
    return [...this.#owned].sort((a, b) => a - b)
  }

  /** Nothing more is taken. */
  get ended(): boolean {
    return this.#ended
  }

  /** Lets go of what is not in `target`. Resolves with whether there was any. */
  release(target: readonly number[]): Promise<boolean> {
    return this.#inTurn(async () => {
      const gone = this.owned().filter((partition) => !target.includes(partition))
      if (gone.length > 0) await this.#listener.revoked(gone)
      for (const partition of gone) this.#owned.delete(partition)
      return gone.length > 0
    })
  }

  /** Takes what of `target` is not held yet. */
  take(target: readonly number[]): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#ended) return
      const fresh = target.filter((partition) => !this.#owned.has(partition))
      for (const partition of fresh) this.#owned.add(partition)
      if (fresh.length > 0) await this.#listener.assigned(fresh)
    })
  }

  /** Everything is another's already. */
  lose(): Promise<void> {
    return this.#inTurn(async () => {
      const gone = this.owned()
      this.#owned.clear()
      if (gone.length > 0) await this.#listener.lost(gone)
    })
  }

  /** Lets go of everything, for good. */
  async end(): Promise<void> {
    this.#ended = true
    await this.release([])
  }

  #inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(step)
    this.#last = result.then(
      () => {},
      () => {},
    )
    return result
  }
}
