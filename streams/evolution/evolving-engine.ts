/**
 * One engine to everybody outside, whichever feature set decides: while its successor takes over, questions are answered by whom they reach,
 * and nobody has to know that there are two.
 */
import { Subject, type Observable, type Subscription } from 'rxjs'
import type { FeatureSet } from '#features/feature-set.ts'
import type { Decision } from '#schemas/decision.ts'
import type { Engine } from '../engine.ts'
import type { EngineFace } from '../engine-face.ts'
import type { Entity } from '../entity-record.ts'
import type { SwappableDecider } from '../swappable-decider.ts'

/** An engine with what decides in it. */
export interface Seat {
  readonly engine: Engine
  readonly featureSet: FeatureSet
  readonly decider: SwappableDecider
}

export class EvolvingEngine implements EngineFace {
  readonly #decisions = new Subject<readonly Decision[]>()
  readonly #progress = new Subject<void>()
  #seat: Seat
  #heard: readonly Subscription[]
  /** A succession under way; whoever ends the engine waits for it. */
  #succession: Promise<void> | undefined

  constructor(first: Seat) {
    this.#seat = first
    this.#heard = this.#hear(first)
  }

  /** Those who ask about an applicant ask one and the same seat for state, features and verdict. */
  get seat(): Seat {
    return this.#seat
  }

  /**
   * `succeed` ends the present engine and resolves with one that begins where it ended; that one is started here, once everybody hears it.
   * Rejects as `succeed` does, and the present one then stays in its seat.
   */
  async succeed(succeed: (present: Seat) => Promise<Seat>): Promise<void> {
    const done = this.#succeedBy(succeed)
    this.#succession = done.catch(() => {})
    try {
      await done
    } finally {
      this.#succession = undefined
    }
  }

  async #succeedBy(succeed: (present: Seat) => Promise<Seat>): Promise<void> {
    const next = await succeed(this.#seat)
    for (const heard of this.#heard) heard.unsubscribe()
    this.#seat = next
    this.#heard = this.#hear(next)
    await next.engine.start()
    this.#progress.next()
  }

  get counters(): Engine['counters'] {
    return this.#seat.engine.counters
  }
  get settings(): Engine['settings'] {
    return this.#seat.engine.settings
  }
  get cache(): Engine['cache'] {
    return this.#seat.engine.cache
  }
  get linked(): Engine['linked'] {
    return this.#seat.engine.linked
  }
  get running(): boolean {
    return this.#succession !== undefined || this.#seat.engine.running
  }
  get decisions(): Observable<readonly Decision[]> {
    return this.#decisions
  }
  get progress(): Observable<void> {
    return this.#progress
  }
  get vacant(): readonly number[] {
    return this.#seat.engine.vacant
  }
  start(): Promise<void> {
    return this.#seat.engine.start()
  }
  caughtUp(): Promise<void> {
    return this.#seat.engine.caughtUp()
  }
  betweenBatches(task: () => void | Promise<void>): Promise<void> {
    return this.#seat.engine.betweenBatches(task)
  }
  async drain(): Promise<void> {
    await this.#succession
    await this.#seat.engine.drain()
  }
  async stop(): Promise<void> {
    await this.#succession
    await this.#seat.engine.stop()
    this.#decisions.complete()
    this.#progress.complete()
  }
  lag(): ReadonlyMap<number, number> {
    return this.#seat.engine.lag()
  }
  positions(): ReadonlyMap<number, number> {
    return this.#seat.engine.positions()
  }
  owns(partition: number): boolean {
    return this.#seat.engine.owns(partition)
  }
  partitionOf(applicantId: string): number {
    return this.#seat.engine.partitionOf(applicantId)
  }
  entity(applicantId: string): Promise<Entity> {
    return this.#seat.engine.entity(applicantId)
  }

  #hear({ engine }: Seat): readonly Subscription[] {
    return [engine.decisions.subscribe((batch) => this.#decisions.next(batch)), engine.progress.subscribe(() => this.#progress.next())]
  }
}
