/** The state store all simulated processes share: it keeps the rules of commits, and may fall back to what it was before. */
import type { PartitionState, StateCommit, StateStore, StoredAt } from '#streams/ports.ts'
import { advance, CommitLedger } from '#streams/protocol/commit-ledger.ts'
import type { Line } from './line.ts'

/** How far back a store may fall. */
const HISTORY_MAX = 6

/** Rules a planted bug breaks. */
export interface StoreBugs {
  readonly ignoresStoredOffset?: boolean
  readonly ignoresOwnerAtLoad?: boolean
  /** The offset is stored first and the states in a second step, which may never come. */
  readonly statesApart?: boolean
}

interface Partition {
  readonly position: PartitionState | undefined
  readonly entities: ReadonlyMap<string, Uint8Array>
}
const EMPTY: Partition = { position: undefined, entities: new Map() }

export class SharedState {
  readonly #partitions = new Map<number, Partition>()
  readonly #history = new Map<number, Partition[]>()
  readonly #bugs: StoreBugs
  /** Called after each commit that took effect. */
  committed: (commit: StateCommit) => void = () => {}

  constructor(bugs: StoreBugs) {
    this.#bugs = bugs
  }

  of(partition: number): Partition {
    return this.#partitions.get(partition) ?? EMPTY
  }

  claim(partition: number, epoch: number): PartitionState {
    const position = this.#ledger().claim(partition, epoch)
    this.#put(partition, { ...this.of(partition), position })
    return position
  }

  load(partition: number, keys: readonly string[], at: StoredAt | undefined): readonly (Uint8Array | undefined)[] {
    if (at !== undefined && this.#bugs.ignoresOwnerAtLoad !== true) this.#ledger().admitLoad(partition, at)
    return keys.map((key) => this.of(partition).entities.get(key))
  }

  /** `reach` above 1 takes both steps of a planted commit in two steps. */
  commit(commit: StateCommit, reach: number): void {
    const { partition, states } = commit
    const before = this.of(partition)
    if (this.#bugs.ignoresStoredOffset !== true) this.#ledger().admit([commit])
    else this.#ledger().admit([{ ...commit, from: before.position?.offset ?? 0 }])
    const entities = new Map(before.entities)
    if (this.#bugs.statesApart !== true || reach >= 1)
      for (const [key, state] of states) {
        if (state === null) entities.delete(key)
        else entities.set(key, Uint8Array.from(state))
      }
    this.#put(partition, { position: advance(commit), entities })
    this.committed(commit)
  }

  /** Falls back `steps` commits and claims, or to nothing where there are not so many. */
  fallBack(partition: number, steps: number): void {
    const history = this.#history.get(partition) ?? []
    this.#partitions.set(partition, history.at(-1 - steps) ?? EMPTY)
    history.splice(Math.max(0, history.length - steps))
  }

  #put(partition: number, now: Partition): void {
    this.#partitions.set(partition, now)
    const history = this.#history.get(partition) ?? []
    this.#history.set(partition, [...history.slice(1 - HISTORY_MAX), now])
  }

  #ledger(): CommitLedger {
    return new CommitLedger((partition) => this.of(partition).position)
  }
}

/** The port, as one process sees it through its line. Partitions commit one after another, each in one step. */
export const stateOver = (line: Line, state: SharedState): StateStore => ({
  claim: (partition, epoch) => line.call(() => state.claim(partition, epoch)),
  load: (partition, keys, at) => line.call(() => state.load(partition, keys, at)),
  commit: (commits) =>
    line.call((reach) => {
      commits.slice(0, Math.ceil(reach * commits.length)).forEach((commit, i) => state.commit(commit, reach * commits.length - i))
    }),
  close: () => Promise.resolve(),
})
