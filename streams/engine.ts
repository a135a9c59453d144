/**
 * The engine: owns input partitions for as long as it is told to, folds their events, decides applications and publishes capsules, exactly
 * once in effect. One batch is on its way at a time and the next is fetched when it is done, so the log itself is the only queue. Partitions
 * come and go between batches.
 */
import { lastValueFrom, Subject, take, type Observable } from 'rxjs'
import type { Decision } from '#schemas/decision.ts'
import { type EngineParts, requireFitting } from './engine-parts.ts'
import type { Entity } from './entity-record.ts'
import { RetryableFailure, TerminalFailure } from './failure.ts'
import type { LinkedEntities } from './linked/linked-entities.ts'
import { linkedEntitiesOf } from './linked/linked-entities-of.ts'
import { partitionOfText } from './murmur2.ts'
import { ownAll } from './own-all.ts'
import { announceCommit } from './pipeline/announce-commit.ts'
import { Attempts } from './pipeline/attempts.ts'
import { EventCrash } from './pipeline/batch.ts'
import { batchesOf, type BatchDone } from './pipeline/batches.ts'
import { Between } from './pipeline/between.ts'
import { Committer } from './pipeline/committer.ts'
import { addCounters, newCounters, type EngineCounters } from './pipeline/counters.ts'
import { Doorbell } from './pipeline/doorbell.ts'
import { drain } from './pipeline/drain.ts'
import type { EngineState } from './pipeline/engine-state.ts'
import { EntityCache } from './pipeline/entity-cache.ts'
import { Lanes } from './pipeline/lanes.ts'
import { Membership } from './pipeline/membership.ts'
import { realPauses, type Pauses } from './pipeline/pauses.ts'
import { persistently } from './pipeline/persist.ts'
import { PIPELINE_DEFAULTS, type PipelineSettings } from './pipeline/settings.ts'
import type { Ownership } from './ports.ts'

export type { EngineParts }

export const createEngine = (parts: EngineParts): Engine => new Engine(parts)

export class Engine {
  readonly counters: EngineCounters
  readonly settings: PipelineSettings
  /** Entities in force; ingest looks for repeats in it. */
  readonly cache: EntityCache
  readonly #parts: EngineParts
  readonly #ownership: Ownership
  readonly #pauses: Pauses
  readonly #lanes: Lanes
  readonly #committer: Committer
  readonly #attempts: Attempts
  readonly #doorbell: Doorbell
  readonly #between = new Between(() => this.#doorbell.ring())
  readonly #membership: Membership
  /** Devices, employers and addresses; undefined where the feature set reads none. */
  readonly linked: LinkedEntities | undefined
  readonly #decisions = new Subject<readonly Decision[]>()
  readonly #progress = new Subject<void>()
  readonly #batches: Observable<unknown>
  #state: EngineState = { kind: 'new' }
  #finished: Promise<void> = Promise.resolve()

  constructor(parts: EngineParts) {
    requireFitting(parts)
    const { log, state, featureSet, monotonicUs, logger } = parts
    const partitions = log.partitions('credit-events')
    this.#parts = parts
    this.counters = parts.counters ?? newCounters()
    this.#ownership = parts.ownership ?? ownAll(partitions)
    this.#pauses = parts.pauses ?? realPauses
    this.#doorbell = new Doorbell(this.#pauses)
    const settings = (this.settings = { ...PIPELINE_DEFAULTS, ...parts.settings })
    const cache = (this.cache = new EntityCache(featureSet, state, partitions, settings.cacheBytesMax))
    this.#attempts = new Attempts(settings)
    const persist = persistently(this.#pauses, settings.retryAfterMs, ({ code, message }) => {
      this.counters.retries++
      logger.warn({ code, reason: message }, 'trying again shortly')
      return this.#state.kind === 'running'
    })
    this.#lanes = new Lanes({ ...parts, persist }, cache)
    this.#membership = new Membership({
      lanes: this.#lanes,
      between: this.#between,
      counters: this.counters,
      pauses: this.#pauses,
      logger,
      retakeAfterMs: settings.retakeAfterMs,
      running: () => this.running,
      flush: () => this.#flush(),
      changed: () => {
        this.#doorbell.ring()
        this.#progress.next()
      },
      failed: (failure) => this.#halt(failure),
    })
    this.linked = linkedEntitiesOf(parts, { settings, persist, pauses: this.#pauses, failed: (failure) => this.#halt(failure) })
    this.#committer = new Committer({
      state,
      cache,
      settings,
      counters: this.counters,
      monotonicUs,
      persist,
      committed: (commits) => announceCommit(commits, { log, ownership: this.#ownership, lanes: this.#lanes }),
      refused: (lanes, { code, message }) => {
        logger.warn({ code, reason: message }, 'a commit was refused')
        this.#lanes.depart(lanes, 'refused')
        this.#doorbell.ring()
      },
    })
    this.#batches = batchesOf({
      ...parts,
      settings,
      cache,
      persist,
      linked: this.linked,
      attempts: this.#attempts,
      lanes: () => this.#lanes.list,
      flush: () => this.#committer.flush(this.#lanes.list),
      lastCommitUs: () => this.#committer.lastCommitUs,
      moreToDo: () => this.#moreToDo(),
      done: (batch) => {
        this.#account(batch)
        return this.#committer.afterBatch(this.#lanes.list, batch.folded.batch.stretch)
      },
      progressed: () => this.#progress.next(),
    })
  }

  /** Whether it takes events. */
  get running(): boolean {
    return this.#state.kind === 'running'
  }

  /** Decisions of its own as read back from the log, batch by batch, in order within each partition. */
  get decisions(): Observable<readonly Decision[]> {
    return this.#decisions
  }

  /** Fires after each batch. */
  get progress(): Observable<void> {
    return this.#progress
  }

  /** Joins those who share the partitions and begins. Resolves once what was in its own partitions at that moment is folded. */
  async start(): Promise<void> {
    if (this.#state.kind !== 'new') throw new Error(`an engine starts once; this one is ${this.#state.kind}`)
    this.#state = { kind: 'running' }
    this.#between.looping = true
    this.linked?.start()
    const stopWaking = this.#parts.log.onAppend('credit-events', () => this.#doorbell.ring())
    this.#finished = this.#run().finally(() => {
      stopWaking()
      this.#between.looping = false
    })
    await this.#ownership.join(this.#membership)
    await this.caughtUp()
  }

  /** Resolves once everything now in the owned input partitions is folded and read back; rejects where the engine stopped before. */
  async caughtUp(): Promise<void> {
    const ends = this.#parts.log.end('credit-events')
    const behind = (partition: number) =>
      this.#lanes.isVacant(partition) || (this.#lanes.of(partition)?.next ?? 0) < (ends[partition] as number)
    while ([...this.#lanes.assigned].some(behind)) {
      if (this.#state.kind === 'stopped') throw this.#state.failure ?? new TerminalFailure('closed', 'the engine was stopped')
      await lastValueFrom(this.#progress.pipe(take(1)), { defaultValue: undefined })
    }
  }

  /** Runs `task` when no batch is under way: what it changes holds for every event from {@link positions} on and for none before. */
  betweenBatches(task: () => void | Promise<void>): Promise<void> {
    return this.#between.do(task)
  }

  /** {@link caughtUp}, and committed; rejects where no commit is taken, or the engine stopped before. */
  async drain(): Promise<void> {
    await drain(this.#parts.log, this.#lanes, this, () => this.#between.do(() => this.#flush()))
    await this.linked?.drain()
  }

  /** Finishes the batch under way, commits, hands its partitions over and ends. Log and store stay open. */
  async stop(): Promise<void> {
    if (this.#state.kind === 'running') this.#state = { kind: 'stopping' }
    this.#doorbell.ring()
    await this.#finished
    await this.linked?.stop()
    if (this.#state.kind !== 'new') await this.#ownership.leave()
    if (this.#state.kind !== 'stopped') this.#state = { kind: 'stopped' }
    this.#decisions.complete()
    this.#progress.complete()
  }

  /** Events in the log that are not folded yet, by owned partition. */
  lag(): ReadonlyMap<number, number> {
    const ends = this.#parts.log.end('credit-events')
    return new Map(this.#lanes.list.map(({ partition, next }) => [partition, (ends[partition] as number) - next]))
  }

  /** Next input offset to fold, by owned partition. */
  positions(): ReadonlyMap<number, number> {
    return new Map(this.#lanes.list.map(({ partition, next }) => [partition, next]))
  }

  /** Whether this engine works on a partition now. */
  owns(partition: number): boolean {
    return this.#lanes.of(partition) !== undefined
  }

  /** Assigned partitions that are not worked on yet. */
  get vacant(): readonly number[] {
    return this.#lanes.vacant
  }

  partitionOf(applicantId: string): number {
    return partitionOfText(applicantId, this.#parts.log.partitions('credit-events'))
  }

  /** What is known of an applicant now, for read-outs and what-ifs: read it, never change it. Elsewhere owned, as last committed. */
  entity(applicantId: string): Promise<Entity> {
    return this.cache.read(this.partitionOf(applicantId), applicantId)
  }

  async #run(): Promise<void> {
    while (this.#state.kind !== 'stopped') {
      try {
        await lastValueFrom(this.#batches, { defaultValue: undefined })
        return await this.#flush()
      } catch (failure) {
        // A batch may have ended half-way: its states are ahead of its offsets and must not be committed when the partitions are handed over.
        if (this.#givesUp(failure)) return this.#lanes.depart(this.#lanes.list, 'crashed')
        if (!(failure instanceof EventCrash) || !this.running) return this.#halt(failure)
        await this.#forgetUncommitted(failure).catch((worse: unknown) => this.#halt(worse))
      }
    }
  }

  /** Resolves true when there is more: at once while the log holds it, else after an append; commits what is due meanwhile. False once stopping. */
  async #moreToDo(): Promise<boolean> {
    // Others have their turn between two batches.
    if (this.#behind()) await this.#pauses.turn()
    while (this.#state.kind === 'running') {
      this.linked?.follow(this.#lanes.list)
      if (this.#membership.unsettled) await this.#membership.comeAndGo()
      else if (this.#behind()) return true
      else await this.#sleep()
    }
    return false
  }

  async #sleep(): Promise<void> {
    const due = this.#lanes.list.some((lane) => lane.next > lane.committed)
    await this.#doorbell.wait(due ? this.settings.commitAfterMs : undefined)
    if (due) await this.#committer.afterBatch(this.#lanes.list)
  }

  #behind(): boolean {
    const ends = this.#parts.log.end('credit-events')
    return this.#lanes.list.some(({ next, partition }) => next < (ends[partition] as number))
  }

  #account({ folded, decisions }: BatchDone): void {
    addCounters(this.counters, folded.counts)
    this.counters.batches++
    this.counters.decisions += decisions.length
    if (decisions.length > 0) this.#decisions.next(decisions)
  }

  async #flush(): Promise<void> {
    if (this.#state.kind === 'stopped') return
    try {
      await this.#committer.flush(this.#lanes.list)
    } catch (failure) {
      if (!this.#givesUp(failure)) throw failure
    }
  }

  /** Whoever was asked to stop does not wait for a world out of reach: what is not committed is adopted after the next start. */
  #givesUp(failure: unknown): boolean {
    return this.#state.kind === 'stopping' && failure instanceof RetryableFailure
  }

  /** Undoes everything since the last commit by forgetting it: takes over from itself, adopting what it had published. */
  async #forgetUncommitted(crash: EventCrash): Promise<void> {
    const position = `${crash.partition}-${crash.offset}`
    const attempt = this.#attempts.count(crash)
    this.counters.restarts++
    this.#parts.logger.error(
      { position, attempt, of: this.settings.attemptsMax, cause: crash.cause },
      'processing an event threw; starting again from the last commit',
    )
    await this.#committer.settle()
    this.#lanes.depart(this.#lanes.list, 'crashed')
  }

  #halt(failure: unknown): void {
    if (this.#state.kind === 'stopped') return
    this.#state = { kind: 'stopped', failure }
    this.#parts.logger.error({ failure }, 'the engine stopped')
    this.#progress.next()
    this.#doorbell.ring()
    this.#parts.onStopped(failure)
  }
}
