/** Commits states behind the work: coalesced, one commit under way at a time, taken between batches so that it is one consistent cut. */
import { StaleCommit } from '../failure.ts'
import type { StateCommit, StateStore } from '../ports.ts'
import type { EngineCounters } from './counters.ts'
import type { EntityCache } from './entity-cache.ts'
import type { Lane } from './lane.ts'
import type { Persist } from './persist.ts'
import type { PipelineSettings } from './settings.ts'

/**
 * A commit begins at the earliest so many times its predecessor's duration after that one began: under load the store is busy a quarter of
 * the time at most, and states that change often are written once for many changes.
 */
const REST = 4

export interface CommitterPorts {
  readonly state: StateStore
  readonly cache: EntityCache
  readonly settings: PipelineSettings
  readonly counters: EngineCounters
  readonly monotonicUs: () => number
  /** Runs a commit, trying again after retryable failures. */
  readonly persist: Persist
  /** Called with the lanes' committed positions. */
  readonly committed: (commits: readonly StateCommit[]) => void
  /** Called with the lanes whose commit was refused: of none of them is it known what the store holds now. */
  readonly refused: (lanes: readonly Lane[], cause: StaleCommit) => void
}

export class Committer {
  readonly #ports: CommitterPorts
  #under: Promise<void> | undefined
  #startedUs = 0
  #failure: { cause: unknown } | undefined
  lastCommitUs = 0

  constructor(ports: CommitterPorts) {
    this.#ports = ports
  }

  /**
   * Called between batches: commits when it is time, waits only where the backlog is too large, throws what a commit threw. While much waits it
   * is time `stretch` times less often: an applicant's next event then more often finds it not yet written.
   */
  afterBatch(lanes: readonly Lane[], stretch = 1): void | Promise<void> {
    const { settings, cache } = this.#ports
    if (this.#under !== undefined && cache.dirtyCount >= 2 * stretch * settings.dirtyEntitiesMax)
      return this.#under.then(() => this.#next(lanes, stretch))
    this.#next(lanes, stretch)
  }

  #next(lanes: readonly Lane[], stretch: number): void {
    const { settings, cache, monotonicUs } = this.#ports
    const { dirtyCount } = cache
    const full =
      dirtyCount >= stretch * settings.dirtyEntitiesMax ||
      // What is dirty cannot leave the cache: more of it than half would push out what the next batches need.
      (dirtyCount >= settings.dirtyEntitiesMax && 2 * cache.dirtyBytes >= settings.cacheBytesMax)
    const due = monotonicUs() - this.#startedUs >= Math.max(stretch * settings.commitAfterMs * 1000, REST * this.lastCommitUs)
    if (this.#failure !== undefined) throw this.#failure.cause
    if (this.#under === undefined && (full || due)) this.#begin(lanes)
    cache.trim()
  }

  /** Commits all that is left. */
  async flush(lanes: readonly Lane[]): Promise<void> {
    await this.settle()
    this.#begin(lanes)
    await this.settle()
  }

  /** Waits for the commit under way and throws what a commit threw. */
  async settle(): Promise<void> {
    await this.#under
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  #begin(lanes: readonly Lane[]): void {
    const { cache, state, persist, counters, monotonicUs, committed, refused } = this.#ports
    const moved = lanes.filter((lane) => lane.departure === undefined && lane.next > lane.committed)
    if (moved.length === 0) return
    const startedUs = monotonicUs()
    const taken = cache.takeDirty()
    const commits = moved.map((lane): StateCommit => ({
      partition: lane.partition,
      from: lane.committed,
      to: lane.next,
      epoch: lane.epoch,
      chainHash: lane.chainHash,
      decisionsOffset: lane.decisionsOffset,
      states: taken.states[lane.partition] as Map<string, Uint8Array>,
    }))
    for (const lane of moved) lane.committed = lane.next
    this.#startedUs = startedUs
    this.#under = persist(() => state.commit(commits)).then(
      () => {
        this.#under = undefined
        cache.committed(taken)
        counters.commits++
        this.lastCommitUs = monotonicUs() - startedUs
        moved.forEach((lane, i) => (lane.stored = (commits[i] as StateCommit).to))
        committed(commits)
      },
      (cause: unknown) => {
        this.#under = undefined
        if (cause instanceof StaleCommit) refused(moved, cause)
        else this.#failure = { cause }
      },
    )
  }
}
