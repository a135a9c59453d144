/** Which entities of an owned partition have changed since they were last copied, and what the commits noted meanwhile have brought. */
import type { PartitionState, StateCommit } from '../ports.ts'
import { advance } from '../protocol/commit-ledger.ts'
import type { RecordPage } from './ports.ts'

export type ChangedKeys = Set<string> | 'too many'

/** Nobody's failure: the partition changed hands while it was copied. */
export class CopyAbandoned extends Error {
  override readonly name = 'CopyAbandoned'
}

export class Changes {
  readonly epoch: number
  /** Where the store stands, as far as this owner was told. */
  position: PartitionState
  readonly #keysMax: number
  #keys: ChangedKeys
  #captured: Map<string, Uint8Array | null> | undefined
  /** Commits on their way. */
  #open = 0
  #inDoubt = false
  #abandoned = false
  readonly #waiting: (() => void)[] = []

  /** Nothing is known of what a predecessor changed: the first copy is a whole one. */
  constructor(position: PartitionState, keysMax: number) {
    this.epoch = position.epoch
    this.position = position
    this.#keysMax = keysMax
    this.#keys = 'too many'
  }

  begin(): void {
    this.#open++
  }

  done(commit: StateCommit): void {
    this.#inDoubt = false
    this.position = advance(commit)
    for (const [key, state] of commit.states) {
      if (this.#keys !== 'too many') this.#keys.add(key)
      this.#captured?.set(key, state)
    }
    if (this.#keys !== 'too many' && this.#keys.size > this.#keysMax) this.#keys = 'too many'
    this.#end()
  }

  /** A commit that failed may have taken effect all the same: only when it was made again is it known what the store holds. */
  failed(): void {
    this.#inDoubt = true
    this.#end()
  }

  /** The partition is another's, or will be claimed anew: copies of it have come to nothing. */
  abandon(): void {
    this.#abandoned = true
    this.#tell()
  }

  /** The keys changed until now; from here on they are gathered anew. */
  take(): ChangedKeys {
    const taken = this.#keys
    this.#keys = new Set()
    return taken
  }

  /** After a copy that came to nothing: the next one is whole. */
  forget(): void {
    this.#keys = 'too many'
    this.#captured = undefined
  }

  /** From here on what commits write is kept, until {@link cut}. */
  capture(): void {
    this.#captured = new Map()
  }

  /** Waits until no commit's outcome is open and, with nothing in between, takes what was captured and the position it led to. */
  async cut(): Promise<{ page: RecordPage; position: PartitionState }> {
    while (!this.#abandoned && (this.#open > 0 || this.#inDoubt)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const page = this.#captured
    if (this.#abandoned || page === undefined) throw new CopyAbandoned()
    this.#captured = undefined
    return { page, position: this.position }
  }

  #end(): void {
    this.#open--
    this.#tell()
  }

  #tell(): void {
    for (const tell of this.#waiting.splice(0)) tell()
  }
}
