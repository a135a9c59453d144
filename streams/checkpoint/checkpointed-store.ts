/**
 * A state store whose owned partitions are checkpointed outside it, and put back when it turns out at a claim to have lost them. Work is never held up:
 * checkpoints are read from the store beside it, one partition at a time.
 */
import type { Logger } from '../logger.ts'
import type { PartitionState, StateCommit, StateStore, StoredAt } from '../ports.ts'
import { superseded } from './chain.ts'
import { Changes, CopyAbandoned } from './changes.ts'
import { copyPartition } from './copy-partition.ts'
import { encodeCheckpoint } from './format.ts'
import type { CheckpointFacts, CheckpointStore, CopyableStateStore } from './ports.ts'
import { restoreBehind } from './restore.ts'

export interface CheckpointSettings {
  /** A partition is checkpointed so often, where it moved. */
  readonly everyMs: number
  /** Checkpoints that add to the last one, before the next whole one. */
  readonly additionsMax: number
  /** Whole ones kept, with all that adds to them. */
  readonly keep: number
  /** Changed keys remembered of a partition, about 100 bytes each; with more the next checkpoint is a whole one. */
  readonly changedKeysMax: number
}

export const CHECKPOINT_DEFAULTS: CheckpointSettings = { everyMs: 5 * 60_000, additionsMax: 11, keep: 2, changedKeysMax: 100_000 }

export interface CheckpointedParts {
  readonly store: CopyableStateStore
  readonly checkpoints: CheckpointStore
  readonly facts: CheckpointFacts
  readonly logger: Logger
  readonly settings?: Partial<CheckpointSettings>
}

interface Owned {
  readonly changes: Changes
  /** Offset of the last checkpoint that the next can add to; null after a claim. */
  last: number | null
  additions: number
}

export class CheckpointedStateStore implements StateStore {
  readonly #parts: CheckpointedParts
  readonly #settings: CheckpointSettings
  readonly #owned = new Map<number, Owned>()
  #timer: NodeJS.Timeout | undefined
  /** Checkpoints follow one another. */
  #last: Promise<unknown> = Promise.resolve()
  #closing = false

  constructor(parts: CheckpointedParts) {
    this.#parts = parts
    this.#settings = { ...CHECKPOINT_DEFAULTS, ...parts.settings }
    this.#schedule()
  }

  async claim(partition: number, epoch: number): Promise<PartitionState> {
    this.#let(partition)
    const state = await restoreBehind(partition, await this.#parts.store.claim(partition, epoch), this.#parts)
    this.#owned.set(partition, { changes: new Changes(state, this.#settings.changedKeysMax), last: null, additions: 0 })
    return state
  }

  load(partition: number, keys: readonly string[], at?: StoredAt): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#parts.store.load(partition, keys, at)
  }

  async commit(commits: readonly StateCommit[]): Promise<void> {
    const tracked = commits.map((commit) => {
      const changes = this.#owned.get(commit.partition)?.changes
      return { commit, changes: changes?.epoch === commit.epoch ? changes : undefined }
    })
    for (const { changes } of tracked) changes?.begin()
    try {
      await this.#parts.store.commit(commits)
    } catch (failure) {
      for (const { changes } of tracked) changes?.failed()
      throw failure
    }
    for (const { changes, commit } of tracked) changes?.done(commit)
  }

  /** Input offset of the newest checkpoint made of each partition owned: the log must keep what comes after it. */
  checkpointed(): ReadonlyMap<number, number> {
    return new Map([...this.#owned].flatMap(([partition, { last }]) => (last === null ? [] : [[partition, last] as const])))
  }

  /** Makes one checkpoint, where the partition is owned and has moved, after those under way. False where it changed hands meanwhile. */
  checkpoint(partition: number): Promise<boolean> {
    const made = this.#last.then(() => this.#checkpoint(partition))
    this.#last = made.catch(() => {})
    return made
  }

  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    for (const partition of [...this.#owned.keys()]) this.#let(partition)
    await this.#last
    await this.#parts.store.close()
  }

  async #checkpoint(partition: number): Promise<boolean> {
    const owned = this.#owned.get(partition)
    if (owned === undefined || owned.changes.position.offset === owned.last) return true
    try {
      await this.#make(partition, owned)
    } catch (failure) {
      owned.changes.forget()
      owned.last = null
      if (failure instanceof CopyAbandoned) return false
      throw failure
    }
    await this.#sweep(partition)
    return true
  }

  async #make(partition: number, owned: Owned): Promise<void> {
    const { store, checkpoints, facts } = this.#parts
    const taken = owned.changes.take()
    const adds = taken !== 'too many' && owned.last !== null && owned.additions < this.#settings.additionsMax
    const follows = adds ? owned.last : null
    const copy = copyPartition(store, partition, owned.changes, adds ? taken : 'all')
    const bytes = encodeCheckpoint({ partition, follows }, facts, copy.pages, copy.position)
    await checkpoints.put(partition, bytes, () => ({ partition, offset: copy.position().offset, follows }))
    owned.last = copy.position().offset
    owned.additions = adds ? owned.additions + 1 : 0
  }

  /** What is not needed any more goes; failing at that is no failure of the checkpoint. */
  async #sweep(partition: number): Promise<void> {
    const { checkpoints, logger } = this.#parts
    try {
      for (const name of superseded(await checkpoints.list(partition), this.#settings.keep)) await checkpoints.remove(name)
    } catch (failure) {
      logger.warn({ partition, failure }, 'checkpoints no longer needed could not be removed')
    }
  }

  #let(partition: number): void {
    this.#owned.get(partition)?.changes.abandon()
    this.#owned.delete(partition)
  }

  /** Partitions take turns evenly over the interval, so that their copies do not come in bursts. */
  #schedule(): void {
    const { everyMs } = this.#settings
    if (!Number.isFinite(everyMs) || this.#closing) return
    const next = (): void => void this.#turn().finally(() => this.#schedule())
    this.#timer = setTimeout(next, everyMs / Math.max(1, this.#owned.size)).unref()
  }

  async #turn(): Promise<void> {
    const [partition] = this.#owned.keys()
    if (partition === undefined) return
    const owned = this.#owned.get(partition) as Owned
    this.#owned.delete(partition)
    this.#owned.set(partition, owned)
    await this.checkpoint(partition).catch((failure: unknown) =>
      this.#parts.logger.error({ partition, failure }, 'a checkpoint failed; it is made again in its next turn'),
    )
  }
}
