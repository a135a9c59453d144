/** Entity states in memory alone: for what-if refolds, simulations and as the plain twin of the durable stores. */
import type { PartitionState, StateCommit, StateStore, StoredAt } from '../ports.ts'
import { CommitLedger } from '../protocol/commit-ledger.ts'

export class MemoryStateStore implements StateStore {
  readonly #ledger = new CommitLedger(() => undefined)
  readonly #states = new Map<string, Uint8Array>()

  claim(partition: number, epoch: number): Promise<PartitionState> {
    return attempt(() => this.#ledger.claim(partition, epoch))
  }

  load(partition: number, keys: readonly string[], at?: StoredAt): Promise<readonly (Uint8Array | undefined)[]> {
    return attempt(() => {
      if (at !== undefined) this.#ledger.admitLoad(partition, at)
      return keys.map((key) => this.#states.get(`${partition}/${key}`))
    })
  }

  commit(commits: readonly StateCommit[]): Promise<void> {
    return attempt(() => {
      this.#ledger.admit(commits)
      for (const { partition, states } of commits)
        for (const [key, state] of states) {
          if (state === null) this.#states.delete(`${partition}/${key}`)
          else this.#states.set(`${partition}/${key}`, Uint8Array.from(state))
        }
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

const attempt = async <Result>(run: () => Result): Promise<Result> => run()
