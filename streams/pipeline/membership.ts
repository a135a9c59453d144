/**
 * How an engine follows its ownership: partitions are taken over as they are assigned, finished and committed when they are revoked, dropped
 * when they are lost, and begun anew where another owner or the store put an end to a lane that is still assigned.
 */
import type { Logger } from '../logger.ts'
import type { OwnershipListener } from '../ports.ts'
import type { Between } from './between.ts'
import type { EngineCounters } from './counters.ts'
import type { Lanes } from './lanes.ts'
import type { Pauses } from './pauses.ts'

export interface MembershipPorts {
  readonly lanes: Lanes
  readonly between: Between
  readonly counters: EngineCounters
  readonly pauses: Pauses
  readonly logger: Logger
  readonly retakeAfterMs: number
  readonly running: () => boolean
  /** Commits all that is folded. */
  readonly flush: () => Promise<void>
  /** Partitions came or went, or are about to. */
  readonly changed: () => void
  /** A takeover failed for good. */
  readonly failed: (failure: unknown) => void
}

export class Membership implements OwnershipListener {
  readonly #ports: MembershipPorts

  constructor(ports: MembershipPorts) {
    this.#ports = ports
  }

  async assigned(partitions: readonly number[]): Promise<void> {
    this.#ports.lanes.assign(partitions)
    try {
      await this.#take(partitions)
    } catch (failure) {
      if (this.#ports.running()) this.#ports.failed(failure)
      throw failure
    }
  }

  async revoked(partitions: readonly number[]): Promise<void> {
    const { lanes, between, flush } = this.#ports
    lanes.unassign(partitions)
    await between.do(async () => {
      await flush()
      this.#letGo(partitions)
      this.#sweep()
    })
  }

  /** Does not wait for the batch under way, whose log may be out of reach: what it still does is not believed. */
  lost(partitions: readonly number[]): Promise<void> {
    this.#ports.lanes.unassign(partitions)
    this.#letGo(partitions)
    this.#ports.changed()
    return Promise.resolve()
  }

  /** Whether partitions are about to come or go. */
  get unsettled(): boolean {
    const { between, lanes } = this.#ports
    return between.pending || lanes.list.some((lane) => lane.departure !== undefined)
  }

  /** Between two batches: removes what departed, adds what was taken over, hands over what was asked for. */
  comeAndGo(): Promise<void> {
    this.#sweep()
    return this.#ports.between.run()
  }

  /** The claims run beside the batch under way; the lanes join between two batches. */
  async #take(partitions: readonly number[]): Promise<void> {
    const { lanes, between, counters, running, retakeAfterMs, changed } = this.#ports
    if (!running()) return
    const wanted = partitions.filter((partition) => lanes.isVacant(partition))
    const claimed = await Promise.all(wanted.map((partition) => lanes.claim(partition)))
    counters.claims += wanted.length
    await between.do(() => {
      claimed.forEach((lane, i) => {
        if (lane === undefined) this.#retake(wanted[i] as number, retakeAfterMs)
        else lanes.add(lane)
      })
    })
    changed()
  }

  #letGo(partitions: readonly number[]): void {
    const { lanes } = this.#ports
    lanes.depart(
      partitions.flatMap((partition) => lanes.of(partition) ?? []),
      'unassigned',
    )
  }

  #sweep(): void {
    const { lanes, counters, logger, retakeAfterMs, changed } = this.#ports
    for (const { partition, departure, epoch } of lanes.sweep()) {
      if (departure === 'succeeded' || departure === 'refused') {
        counters.losses++
        logger.warn({ partition, epoch, departure }, 'let go of a partition')
      }
      this.#retake(partition, departure === 'crashed' ? 0 : retakeAfterMs)
    }
    changed()
  }

  /** A partition that is still assigned was fenced by a zombie or by its store, or its code threw: it begins anew. */
  #retake(partition: number, afterMs: number): void {
    const { lanes, pauses, running, failed } = this.#ports
    if (!lanes.assigned.has(partition)) return
    const waited = afterMs === 0 ? Promise.resolve() : pauses.wait(afterMs)
    waited
      .then(() => this.#take([partition]))
      .catch((failure: unknown) => {
        if (running()) failed(failure)
      })
  }
}
