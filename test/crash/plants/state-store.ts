/** The embedded state store, with points of death and, where planted, commits in two steps. */
import { openStateStore as openReal, type EmbeddedStateOptions } from '#streams/embedded/state-store.ts'
import type { PartitionState, StateCommit, StateStore } from '#streams/ports.ts'
import { passing } from './death.ts'
import { outstanding } from './outstanding.ts'

export * from '#streams/embedded/state-store.ts'

const NO_STATES: ReadonlyMap<string, Uint8Array | null> = new Map()

type Steps = (commits: readonly StateCommit[], stored: ReadonlyMap<number, PartitionState>) => readonly (readonly StateCommit[])[]

/** Where a partition stands goes first, its states follow. */
const offsetFirst: Steps = (commits) => [
  commits.map((commit) => ({ ...commit, states: NO_STATES })),
  commits.map((commit) => ({ ...commit, from: commit.to })),
]

/** States go first, where the partition stands follows. */
const statesFirst: Steps = (commits, stored) => [
  commits.map((commit) => {
    const { chainHash, decisionsOffset } = stored.get(commit.partition) ?? commit
    return { ...commit, to: commit.from, chainHash, decisionsOffset }
  }),
  commits.map((commit) => ({ ...commit, states: NO_STATES })),
]

const PLANTED: Readonly<Record<string, Steps>> = { 'offset-then-states': offsetFirst, 'states-then-offset': statesFirst }

export const openStateStore = (options: EmbeddedStateOptions): StateStore => {
  const store = openReal(options)
  const steps = PLANTED[process.env['SCORESTREAM_TEST_PLANT'] ?? '']
  const stored = new Map<number, PartitionState>()
  return {
    async claim(partition, epoch) {
      const state = await store.claim(partition, epoch)
      stored.set(partition, state)
      return state
    },
    load: (partition, keys) => store.load(partition, keys),
    async commit(commits) {
      passing('before-commit')
      const [first = commits, second] = steps?.(commits, stored) ?? [commits]
      await store.commit(first)
      if (second !== undefined) {
        if (commits.some((commit) => commit.decisionsOffset > (stored.get(commit.partition)?.decisionsOffset ?? 0)))
          passing('between-steps')
        await store.commit(second)
      }
      for (const { partition, to, ...commit } of commits) stored.set(partition, { ...commit, offset: to })
      passing('committed')
      if (outstanding.decisions > 0) passing('committed-unreadable')
    },
    close: () => store.close(),
  }
}
