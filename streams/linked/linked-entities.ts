/**
 * Devices, employers and addresses at work beside the pipeline: folds the partitions of `linked-entities` that this engine owns (those of its
 * input partitions), in its own time, and reads states for scoring, its own from memory and others' as last committed. What is read carries
 * its version, so it need not be the newest.
 */
import type { LinkedPart } from '#features/feature-set.ts'
import { linkId } from '#features/linked/link-id.ts'
import { readLinked } from '#features/linked/read-linked.ts'
import type { LinkedReading } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Offset } from '#schemas/units.ts'
import { RetryableFailure, StaleCommit } from '../failure.ts'
import type { Logger } from '../logger.ts'
import { Doorbell } from '../pipeline/doorbell.ts'
import type { Pauses } from '../pipeline/pauses.ts'
import type { AppendRecord, Position } from '../ports.ts'
import { linkedUpdates } from './linked-updates.ts'
import { linkedKey, linkedPartition } from './linked-key.ts'
import { LinkedPartition, type LinkedPartitionPorts } from './linked-partition.ts'
import { unknownEntity } from './fold-update.ts'
import { decodeLinkedState, type LinkedState } from './linked-record.ts'

/** States are committed at least this often while there is something to commit, and once this many entities changed. */
const COMMIT_AFTER_MS = 200
const DIRTY_ENTITIES_MAX = 4096

export interface LinkedPorts extends Omit<LinkedPartitionPorts, 'bytesMax'> {
  readonly pauses: Pauses
  readonly logger: Logger
  readonly retakeAfterMs: number
  /** Memory of all entities. */
  readonly bytesMax: number
  readonly monotonicUs: () => number
  /** It ended by itself. */
  readonly failed: (failure: unknown) => void
}

/** What this engine owns of the input, and under which claim. */
interface Owned {
  readonly partition: number
  readonly epoch: number
}

export class LinkedEntities {
  readonly #ports: LinkedPorts
  readonly #doorbell: Doorbell
  readonly #open = new Map<number, LinkedPartition>()
  /** Read for the batch under way. */
  #read = new Map<string, LinkedState>()
  #owned: readonly Owned[] = []
  #stopped = false
  #committedUs = 0
  #finished: Promise<void> = Promise.resolve()
  #waiters: (() => void)[] = []

  constructor(ports: LinkedPorts) {
    this.#ports = ports
    this.#doorbell = new Doorbell(ports.pauses)
  }

  /** Begins to fold. Resolves never by itself: {@link stop} ends it. */
  start(): void {
    const silence = this.#ports.log.onAppend('linked-entities', () => this.#doorbell.ring())
    this.#finished = this.#run()
      .catch((failure: unknown) => {
        // What may be tried again is given up only where the engine was asked to stop: the next owner folds it.
        if (!(failure instanceof RetryableFailure)) this.#ports.failed(failure)
      })
      .finally(() => {
        this.#stopped = true
        silence()
        this.#tell()
      })
  }

  /** From now on these are this engine's. What it owned before and owns no more is dropped: its successor begins at the last commit. */
  follow(owned: readonly Owned[]): void {
    if (owned === this.#owned) return
    this.#owned = owned
    this.#doorbell.ring()
  }

  /** Brings what these applications name within reach of {@link read}. */
  async load(applications: readonly ApplicationEvent[]): Promise<void> {
    this.#read = await this.#loaded(applications)
  }

  /** As {@link read}, beside the batch under way: of an application that is not in the log. */
  async view(application: ApplicationEvent, vectors: Float32Array, at: number): Promise<readonly LinkedReading[]> {
    return this.#write(application, vectors, at, await this.#loaded([application]))
  }

  async #loaded(applications: readonly ApplicationEvent[]): Promise<Map<string, LinkedState>> {
    const { parts, store, persist } = this.#ports
    const read = new Map<string, LinkedState>()
    const missing = new Map<number, Map<string, LinkedPart>>()
    for (const application of applications)
      for (const part of parts) {
        const id = linkId(application, part.entity)
        if (id === undefined) continue
        const key = linkedKey(part.entity, id)
        const partition = this.#partitionOf(key)
        const held = this.#open.get(partition)?.peek(key)
        // Kept even where its partition lets go of it before it is read.
        if (held !== undefined) read.set(key, held)
        else missing.set(partition, (missing.get(partition) ?? new Map<string, LinkedPart>()).set(key, part))
      }
    await Promise.all(
      [...missing].map(async ([partition, byKey]) => {
        const keys = [...byKey.keys()]
        const records = await persist(() => store.load(partition, keys))
        keys.forEach((key, i) => {
          const part = byKey.get(key)!
          const record = records[i]
          read.set(key, record === undefined ? unknownEntity(part) : decodeLinkedState(record, part.set.stateBytes, key))
        })
      }),
    )
    return read
  }

  /** Writes the linked part of a vector; says what was read. What the application names was {@link load}ed before. */
  read(application: ApplicationEvent, vectors: Float32Array, at: number): readonly LinkedReading[] {
    return this.#write(application, vectors, at, this.#read)
  }

  #write(
    application: ApplicationEvent,
    vectors: Float32Array,
    at: number,
    loaded: ReadonlyMap<string, LinkedState>,
  ): readonly LinkedReading[] {
    const readings: LinkedReading[] = []
    for (const part of this.#ports.parts) {
      const { entity } = part
      const id = linkId(application, entity)
      if (id === undefined) {
        readLinked(part, undefined, application, vectors, at)
        continue
      }
      const key = linkedKey(entity, id)
      const partition = this.#partitionOf(key)
      const found = this.#open.get(partition)?.peek(key) ?? loaded.get(key)
      if (found === undefined) throw new Error(`${entity} of application ${application.applicationId} was not loaded`)
      readLinked(part, found.state, application, vectors, at)
      readings.push({ entity, partition, version: found.version as Offset })
    }
    return readings
  }

  /** What an application at its place in the input log tells the entities it names. */
  updates(position: Position, application: ApplicationEvent): readonly AppendRecord[] {
    return linkedUpdates(position, application, this.#ports.log.partitions('linked-entities'))
  }

  /** Resolves once all updates now in the owned partitions are folded and committed; at once where it has ended. */
  async drain(): Promise<void> {
    const ends = this.#ports.log.end('linked-entities')
    const due = () =>
      this.#owned.some(({ partition, epoch }) => {
        const open = this.#open.get(partition)
        return open?.epoch !== epoch || open.next < (ends[partition] ?? 0) || open.uncommitted
      })
    while (!this.#stopped && due()) {
      this.#committedUs = Number.NEGATIVE_INFINITY
      this.#doorbell.ring()
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  /** Updates met a second time, in the partitions owned now. */
  get repeats(): number {
    return [...this.#open.values()].reduce((sum, { repeats }) => sum + repeats, 0)
  }

  /** Updates not folded yet, by owned partition. */
  lag(): ReadonlyMap<number, number> {
    const ends = this.#ports.log.end('linked-entities')
    return new Map(this.#owned.map(({ partition }) => [partition, (ends[partition] ?? 0) - (this.#open.get(partition)?.next ?? 0)]))
  }

  /** Ends it. What is not committed is folded again by the next owner. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#doorbell.ring()
    await this.#finished
  }

  #partitionOf(key: string): number {
    return linkedPartition(key, this.#ports.log.partitions('linked-entities'))
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#takeOver()
      const behind = [...this.#open.values()].filter((one) => one.behind)
      for (const one of behind) await this.#orLetGo(one, () => one.fold())
      await this.#commitWhereDue()
      this.#tell()
      if (!this.#stopped && !this.#unsettled() && ![...this.#open.values()].some((one) => one.behind)) await this.#sleep()
      else await this.#ports.pauses.turn()
    }
  }

  /** Whether what is owned and what is open differ. */
  #unsettled(): boolean {
    return this.#owned.length !== this.#open.size || this.#owned.some(({ partition, epoch }) => this.#open.get(partition)?.epoch !== epoch)
  }

  async #takeOver(): Promise<void> {
    if (!this.#unsettled()) return
    const owned = new Map(this.#owned.map((one) => [one.partition, one.epoch]))
    for (const [partition, { epoch }] of this.#open) if (owned.get(partition) !== epoch) this.#open.delete(partition)
    const { parts, bytesMax, log, store, persist, logger, retakeAfterMs, pauses } = this.#ports
    const ports = { parts, log, store, persist, bytesMax: bytesMax / Math.max(1, owned.size) }
    let refused = false
    for (const [partition, epoch] of owned) {
      if (this.#open.has(partition)) continue
      try {
        this.#open.set(partition, await LinkedPartition.claim(partition, epoch, ports))
      } catch (failure) {
        if (!(failure instanceof StaleCommit)) throw failure
        // A newer owner; the lane of this one will end shortly.
        logger.warn({ partition, epoch, reason: failure.message }, 'linked entities are another owner’s')
        refused = true
      }
    }
    if (refused) await pauses.wait(retakeAfterMs)
  }

  async #commitWhereDue(): Promise<void> {
    const { monotonicUs } = this.#ports
    const due = [...this.#open.values()].filter((one) => one.uncommitted)
    const full = due.some((one) => one.dirtyCount >= DIRTY_ENTITIES_MAX)
    if (due.length === 0 || (!full && monotonicUs() - this.#committedUs < COMMIT_AFTER_MS * 1000)) return
    this.#committedUs = monotonicUs()
    for (const one of due) await this.#orLetGo(one, () => one.commit())
  }

  /** A store that fell back, or another owner's: the partition begins anew where the store stands. */
  async #orLetGo(one: LinkedPartition, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (failure) {
      if (!(failure instanceof StaleCommit)) throw failure
      this.#ports.logger.warn({ partition: one.partition, reason: failure.message }, 'let go of linked entities')
      if (this.#open.get(one.partition) === one) this.#open.delete(one.partition)
    }
  }

  #sleep(): Promise<void> {
    const due = [...this.#open.values()].some((one) => one.uncommitted)
    return this.#doorbell.wait(due ? COMMIT_AFTER_MS : undefined)
  }

  #tell(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
