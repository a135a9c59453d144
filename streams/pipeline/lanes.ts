/**
 * The partitions this engine works on. Which they are is the ownership's to say; each is taken over by itself, departs by itself and, where
 * it is still assigned then, is taken over again.
 */
import type { EntityCache } from './entity-cache.ts'
import { takeOver, type Departure, type Lane, type TakeoverPorts } from './lane.ts'

export class Lanes {
  readonly #ports: TakeoverPorts
  readonly #cache: EntityCache
  readonly #byPartition = new Map<number, Lane>()
  readonly #assigned = new Set<number>()
  /** Positions below were counted by this process already. */
  readonly #counted = new Map<number, number>()
  #list: readonly Lane[] = []

  constructor(ports: TakeoverPorts, cache: EntityCache) {
    this.#ports = ports
    this.#cache = cache
  }

  /** Those worked on, in the order of their partitions. */
  get list(): readonly Lane[] {
    return this.#list
  }

  /** Those this member is to work on, whether or not it has taken them over yet. */
  get assigned(): ReadonlySet<number> {
    return this.#assigned
  }

  /** Whether it is assigned, and nobody here works on it or is to go on doing so. */
  isVacant(partition: number): boolean {
    const lane = this.#byPartition.get(partition)
    return this.#assigned.has(partition) && (lane === undefined || lane.departure !== undefined)
  }

  /** Those assigned that are not worked on yet. */
  get vacant(): readonly number[] {
    return [...this.#assigned].filter((partition) => this.isVacant(partition))
  }

  of(partition: number): Lane | undefined {
    return this.#byPartition.get(partition)
  }

  assign(partitions: readonly number[]): void {
    for (const partition of partitions) this.#assigned.add(partition)
  }

  unassign(partitions: readonly number[]): void {
    for (const partition of partitions) this.#assigned.delete(partition)
  }

  /** These have no more say; {@link sweep} removes them between batches. */
  depart(lanes: readonly Lane[], departure: Departure): void {
    for (const lane of lanes) lane.departure ??= departure
  }

  /** Claims a partition. The lane is not worked on before it is {@link add}ed. */
  claim(partition: number): Promise<Lane | undefined> {
    return takeOver(partition, this.#ports)
  }

  /** Between batches only. A lane that came too late (unassigned meanwhile, or a later claim of ours was quicker) is left aside. */
  add(lane: Lane): void {
    const { partition } = lane
    const held = this.#byPartition.get(partition)
    if (!this.#assigned.has(partition) || (held !== undefined && held.epoch > lane.epoch)) return
    lane.countFrom = Math.max(lane.countFrom, this.#counted.get(partition) ?? 0, held?.next ?? 0)
    this.#byPartition.set(partition, lane)
    this.#cache.open(partition, () => ({ epoch: lane.epoch, offset: lane.stored }))
    this.#listAnew()
  }

  /** Between batches only: removes what departed and forgets its states. Returns the lanes removed. */
  sweep(): readonly Lane[] {
    const gone = this.#list.filter((lane) => lane.departure !== undefined)
    for (const { partition, next, countFrom } of gone) {
      this.#counted.set(partition, Math.max(next, countFrom))
      this.#byPartition.delete(partition)
      this.#cache.drop(partition)
    }
    if (gone.length > 0) this.#listAnew()
    return gone
  }

  #listAnew(): void {
    this.#list = [...this.#byPartition.values()].toSorted((a, b) => a.partition - b.partition)
  }
}
