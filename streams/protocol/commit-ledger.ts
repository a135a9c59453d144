/** Where each partition stands, for stores that keep it in this process: applies the commit rules to several partitions at once. */
import { StaleCommit } from '../failure.ts'
import type { PartitionState, StateCommit, StoredAt } from '../ports.ts'
import { judgeClaim, judgeCommit, judgeLoad } from './commit-rules.ts'

export const CHAIN_START = '0'.repeat(64)
const NOTHING: PartitionState = { offset: 0, epoch: -1, chainHash: CHAIN_START, decisionsOffset: 0 }

export const advance = (commit: StateCommit): PartitionState => ({
  offset: commit.to,
  epoch: commit.epoch,
  chainHash: commit.chainHash,
  decisionsOffset: commit.decisionsOffset,
})

export class CommitLedger {
  readonly #held = new Map<number, PartitionState>()
  readonly #load: (partition: number) => PartitionState | undefined

  /** `load` reads what is stored of a partition not looked at yet. */
  constructor(load: (partition: number) => PartitionState | undefined) {
    this.#load = load
  }

  claim(partition: number, epoch: number): PartitionState {
    const stored = this.#of(partition)
    if (judgeClaim(stored, epoch) === 'fenced')
      throw new StaleCommit(
        'fenced',
        partition,
        `partition ${partition} was claimed by epoch ${stored.epoch}; epoch ${epoch} comes too late`,
      )
    const claimed = { ...stored, epoch }
    this.#held.set(partition, claimed)
    return claimed
  }

  /** Throws where states loaded now would not be this owner's. */
  admitLoad(partition: number, at: StoredAt): void {
    const stored = this.#of(partition)
    const verdict = judgeLoad(stored, at)
    if (verdict !== 'load')
      throw new StaleCommit(
        verdict,
        partition,
        `partition ${partition} stands at ${stored.offset} under epoch ${stored.epoch}; an owner of epoch ${at.epoch} that left it at ${at.offset} may not load from it`,
      )
  }

  /** Checks all, then advances all. Returns what to {@link restore} should the write fail. */
  admit(commits: readonly StateCommit[]): readonly (readonly [number, PartitionState])[] {
    const before: [number, PartitionState][] = []
    for (const { partition, from, epoch } of commits) {
      const stored = this.#of(partition)
      const verdict = judgeCommit(stored, from, epoch)
      if (verdict !== 'commit')
        throw new StaleCommit(
          verdict,
          partition,
          `partition ${partition} stands at ${stored.offset} under epoch ${stored.epoch}; a commit from ${from} under epoch ${epoch} is refused`,
        )
      before.push([partition, stored])
    }
    for (const commit of commits) this.#held.set(commit.partition, advance(commit))
    return before
  }

  restore(before: readonly (readonly [number, PartitionState])[]): void {
    for (const [partition, state] of before) this.#held.set(partition, state)
  }

  #of(partition: number): PartitionState {
    return this.#held.get(partition) ?? this.#load(partition) ?? NOTHING
  }
}
