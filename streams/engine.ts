/**
 * The engine: owns the input partitions, folds their events, decides applications and publishes capsules, exactly once in effect. Its
 * stages are RxJS operators over micro-batches; one batch is on its way at a time and the next is fetched when it is done, so the log
 * itself is the only queue.
 */
import { defer, EMPTY, lastValueFrom, map, merge, Subject, take, takeWhile, tap, type Observable } from 'rxjs'
import type { FeatureSet } from '#features/feature-set.ts'
import type { Decision } from '#schemas/decision.ts'
import type { Entity } from './entity-record.ts'
import { TerminalFailure } from './failure.ts'
import type { Logger } from './logger.ts'
import { partitionOf } from './murmur2.ts'
import { Attempts } from './pipeline/attempts.ts'
import { EventCrash, type Published } from './pipeline/batch.ts'
import { Committer } from './pipeline/committer.ts'
import { addCounters, newCounters, type EngineCounters } from './pipeline/counters.ts'
import { Doorbell } from './pipeline/doorbell.ts'
import { EntityCache } from './pipeline/entity-cache.ts'
import { decodeBatch, fetchPages } from './pipeline/fetch.ts'
import { foldBatch, loadBatch, type Folded } from './pipeline/fold-batch.ts'
import { inTurn } from './pipeline/in-turn.ts'
import { takeOver, type Lane } from './pipeline/lane.ts'
import { persistently, type Persist } from './pipeline/persist.ts'
import { publish, readBack } from './pipeline/publish.ts'
import { scoreBatch } from './pipeline/score-batch.ts'
import { PIPELINE_DEFAULTS, type PipelineSettings } from './pipeline/settings.ts'
import type { Clock, Decider, EventLog, LogRecord, StateStore } from './ports.ts'

export interface EngineParts {
  readonly log: EventLog
  readonly state: StateStore
  readonly featureSet: FeatureSet
  readonly decider: Decider
  readonly clock: Clock
  /** Monotonic microseconds, for stage times and commit intervals only. */
  readonly monotonicUs: () => number
  readonly logger: Logger
  /** Names of this owner, host and runtime, for claims and envelopes. */
  readonly owner: string
  readonly host: string
  readonly runtime: string
  readonly settings?: Partial<PipelineSettings>
  /** The engine stopped by itself: terminal failure or bug. The composition root ends the process. */
  readonly onStopped: (failure: unknown) => void
}

type EngineState =
  | { readonly kind: 'new' }
  | { readonly kind: 'running' }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped'; readonly failure?: unknown }

export const createEngine = (parts: EngineParts): Engine => new Engine(parts)

export class Engine {
  readonly counters: EngineCounters = newCounters()
  readonly settings: PipelineSettings
  /** Entities in force; ingest looks for repeats in it. */
  readonly cache: EntityCache
  readonly #parts: EngineParts
  readonly #committer: Committer
  readonly #doorbell = new Doorbell()
  readonly #decisions = new Subject<readonly Decision[]>()
  readonly #progress = new Subject<void>()
  readonly #attempts: Attempts
  readonly #persist: Persist
  #lanes: Lane[] = []
  #state: EngineState = { kind: 'new' }
  #finished: Promise<void> = Promise.resolve()
  #turn = 0
  #publishUs = 0

  constructor(parts: EngineParts) {
    if (parts.decider.featureSetHash !== parts.featureSet.hash)
      throw new TerminalFailure(
        'directory-mismatch',
        `model ${parts.decider.modelVersion} was trained on feature set ${parts.decider.featureSetHash.slice(0, 12)}, in force is ${parts.featureSet.hash.slice(0, 12)}. Publish a model for it, or run the engine that has that feature set.`,
      )
    this.#parts = parts
    this.settings = { ...PIPELINE_DEFAULTS, ...parts.settings }
    this.cache = new EntityCache(parts.featureSet, parts.state, parts.log.partitions('credit-events'), this.settings.cacheBytesMax)
    this.#attempts = new Attempts(this.settings)
    this.#persist = persistently(this.settings.retryAfterMs, ({ code, message }) => {
      this.counters.retries++
      parts.logger.warn({ code, reason: message }, 'trying again shortly')
      return this.#state.kind !== 'stopping'
    })
    const { settings, counters, cache } = this
    this.#committer = new Committer({
      state: parts.state,
      cache,
      settings,
      counters,
      monotonicUs: parts.monotonicUs,
      persist: this.#persist,
      committed: (commits) => this.#release(commits),
    })
  }

  /** Whether it owns its partitions and takes events. */
  get running(): boolean {
    return this.#state.kind === 'running'
  }

  /** Decisions as read back from the log, batch by batch, in order within each partition. */
  get decisions(): Observable<readonly Decision[]> {
    return this.#decisions
  }

  /** Fires after each batch. */
  get progress(): Observable<void> {
    return this.#progress
  }

  /** Claims all partitions and begins. Resolves once what was in the log at that moment is folded. */
  async start(): Promise<void> {
    if (this.#state.kind !== 'new') throw new Error(`an engine starts once; this one is ${this.#state.kind}`)
    await this.#claimAll()
    this.#state = { kind: 'running' }
    const stopWaking = this.#parts.log.onAppend('credit-events', () => this.#doorbell.ring())
    this.#finished = this.#run().finally(stopWaking)
    await this.caughtUp()
  }

  /** Resolves once everything now in the input log is folded and read back; rejects where the engine stopped before. */
  async caughtUp(): Promise<void> {
    const ends = this.#parts.log.end('credit-events')
    const behind = (): boolean => this.#behind(ends)
    while (behind()) {
      if (this.#state.kind === 'stopped') throw this.#state.failure ?? new TerminalFailure('closed', 'the engine was stopped')
      await lastValueFrom(this.#progress.pipe(take(1)), { defaultValue: undefined })
    }
  }

  /** {@link caughtUp}, and committed. */
  async drain(): Promise<void> {
    await this.caughtUp()
    const { kind } = this.#state
    if (kind === 'running') await this.#committer.flush(this.#lanes)
  }

  /** Finishes the batch under way, commits and ends. Log and store stay open. */
  async stop(): Promise<void> {
    if (this.#state.kind === 'running') this.#state = { kind: 'stopping' }
    this.#doorbell.ring()
    await this.#finished
    if (this.#state.kind !== 'stopped') this.#state = { kind: 'stopped' }
    this.#decisions.complete()
    this.#progress.complete()
  }

  /** Events in the log that are not folded yet, per partition. */
  lag(): readonly number[] {
    const ends = this.#parts.log.end('credit-events')
    return this.#lanes.map((lane) => (ends[lane.partition] as number) - lane.next)
  }

  /** Next input offset to fold, per partition. */
  positions(): readonly number[] {
    return this.#lanes.map((lane) => lane.next)
  }

  partitionOf(applicantId: string): number {
    return partitionOf(Buffer.from(applicantId, 'latin1'), this.#parts.log.partitions('credit-events'))
  }

  /** What is known of an applicant now, for read-outs and what-ifs: read it, never change it. */
  entity(applicantId: string): Promise<Entity> {
    return this.cache.read(this.partitionOf(applicantId), applicantId)
  }

  async #claimAll(): Promise<void> {
    const { log, state, clock, owner } = this.#parts
    const partitions = Array.from({ length: log.partitions('credit-events') }, (_, p) => p)
    this.#lanes = await Promise.all(partitions.map((partition) => takeOver(partition, { log, state, clock, owner })))
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        await lastValueFrom(this.#batches(), { defaultValue: undefined })
        await this.#committer.flush(this.#lanes)
        return
      } catch (failure) {
        if (!(failure instanceof EventCrash) || this.#state.kind !== 'running') return this.#halt(failure)
        const restarted = await this.#restart(failure).then(
          () => true,
          (again: unknown) => this.#halt(again),
        )
        if (restarted !== true) return
      }
    }
  }

  /** One batch after another, through operators that are subscribed once. */
  #batches(): Observable<unknown> {
    const { monotonicUs } = this.#parts
    const fetchPorts = {
      log: this.#parts.log,
      settings: this.settings,
      monotonicUs,
      isPoison: (record: LogRecord) => this.#attempts.isPoison(record),
      isSuspect: (record: LogRecord) => this.#attempts.isSuspect(record),
    }
    const foldPorts = { ...fetchPorts, cache: this.cache, featureSet: this.#parts.featureSet }
    const scorePorts = {
      ...this.#parts,
      ...foldPorts,
      lastPublishUs: () => this.#publishUs,
      lastCommitUs: () => this.#committer.lastCommitUs,
    }
    const turns = new Subject<void>()
    const done = turns.pipe(
      inTurn(() => this.#moreToDo()),
      takeWhile((more) => more),
      inTurn(() => fetchPages(this.#lanes, this.#turn++, fetchPorts)),
      map((pages) => decodeBatch(pages, fetchPorts)),
      inTurn((batch) => (batch.suspect ? this.#committer.flush(this.#lanes).then(() => batch) : batch)),
      inTurn((batch) => loadBatch(batch, foldPorts)),
      map((batch) => foldBatch(batch, foldPorts)),
      map((folded): [Folded, readonly Published[]] => [folded, scoreBatch(folded, scorePorts)]),
      inTurn(([folded, decisions]) => this.#publish(folded, decisions)),
      inTurn(() => this.#committer.afterBatch(this.#lanes)),
      tap(() => this.#progress.next()),
      tap(() => turns.next()),
    )
    return merge(
      done,
      defer(() => {
        turns.next()
        return EMPTY
      }),
    )
  }

  /** Resolves true when there is more: at once while the log holds it, else after an append; commits what is due meanwhile. False once stopping. */
  async #moreToDo(): Promise<boolean> {
    // Others have their turn between two batches.
    if (this.#behind()) await new Promise((resolve) => setImmediate(resolve))
    while (this.#state.kind === 'running' && !this.#behind()) {
      const due = this.#lanes.some((lane) => lane.next > lane.committed)
      await this.#doorbell.wait(due ? this.settings.commitAfterMs : undefined)
      if (due) await this.#committer.afterBatch(this.#lanes)
    }
    return this.#state.kind === 'running'
  }

  #behind(ends = this.#parts.log.end('credit-events')): boolean {
    return this.#lanes.some((lane) => lane.next < (ends[lane.partition] as number))
  }

  #publish(folded: Folded, decisions: readonly Published[]): void | Promise<void> {
    if (decisions.length + folded.rejected.length === 0) return this.#advance(folded)
    return this.#append(folded, decisions)
  }

  async #append(folded: Folded, decisions: readonly Published[]): Promise<void> {
    const { log, monotonicUs } = this.#parts
    const started = monotonicUs()
    const offsets = await publish(folded, decisions, { log, persist: this.#persist })
    const read = await readBack(decisions, offsets, log)
    if (decisions.length > 0) this.#publishUs = monotonicUs() - started
    this.#advance(folded)
    this.counters.decisions += read.length
    if (read.length > 0) this.#decisions.next(read)
  }

  /** What the batch promised is readable: its events are done with. */
  #advance({ batch, counts }: Folded): void {
    for (const [lane, next] of batch.next) lane.next = next
    addCounters(this.counters, counts)
    this.counters.batches++
  }

  /** Undoes everything since the last commit by forgetting it: takes over from itself, adopting what it had published. */
  async #restart(crash: EventCrash): Promise<void> {
    const position = `${crash.partition}-${crash.offset}`
    const attempt = this.#attempts.count(crash)
    this.counters.restarts++
    this.#parts.logger.error(
      { position, attempt, of: this.settings.attemptsMax, cause: crash.cause },
      'processing an event threw; starting again from the last commit',
    )
    await this.#committer.settle()
    this.cache.clear()
    const counted = this.#lanes
    await this.#claimAll()
    this.#lanes.forEach((lane, i) => (lane.countFrom = Math.max(counted[i]?.next ?? 0, counted[i]?.countFrom ?? 0)))
  }

  #halt(failure: unknown): void {
    this.#state = { kind: 'stopped', failure }
    this.#parts.logger.error({ failure }, 'the engine stopped')
    this.#progress.next()
    this.#parts.onStopped(failure)
  }

  #release(commits: readonly { readonly partition: number; readonly to: number }[]): void {
    if (commits.length === 0) return
    const { log } = this.#parts
    log.release(
      'credit-events',
      'state',
      this.#lanes.map((lane) => lane.committed),
    )
    // A successor adopts from here on.
    log.release(
      'decisions',
      'state',
      this.#lanes.map((lane) => lane.decisionsOffset),
    )
  }
}
