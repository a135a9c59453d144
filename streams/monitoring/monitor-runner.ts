/**
 * Carries both logs through a monitor, for ever: read in order, fold, hand over what was found, and only then remember how far it came. Killed
 * at any moment, it finds the same again and hands it over again under the same identities.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { deserialize, serialize } from 'node:v8'
import { type DecisionOutline, decodeDecisionOutline } from '#schemas/decision-outline.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { AlertJudgement } from '#schemas/monitoring-events.ts'
import { decodeAlertJudgement, isAlertJudgement } from '#schemas/monitoring-wire.ts'
import { peekDecision } from '#schemas/wire.ts'
import type { Logger } from '../logger.ts'
import { type Input, inputOf, readInput } from '../input.ts'
import type { EventLog, LogRecord, Topic } from '../ports.ts'
import { isBelieved, NO_CLAIM, seeClaim } from '../protocol/belief.ts'
import { OrderedRecords, type Positions } from './ordered-records.ts'

/**
 * Events stand before decisions of the same millisecond: an application is seen before its decision. Of the alerts only what people make of them is
 * read; the alerts themselves come from here.
 */
const TOPICS: readonly Topic[] = ['credit-events', 'decisions', 'alerts']
/** Some 2 ms of work between turns of the event loop: others share the process. */
const BATCH_RECORDS = 512
const IDLE_MS = 100
/** Rows wait this long for company, alerts not at all; progress is remembered with them. */
const DELIVER_MS = 10_000
const FORMAT = 3

/** What folds; arrives as an argument. `at` is log time, never falling. */
export interface LogMonitor {
  readonly state: unknown
  readonly hasFindings: boolean
  /** Something that somebody is to hear of at once. */
  readonly hasNews: boolean
  /** Whether an event of this kind, appended at `at`, is to be looked at; asked once for each, in order. */
  wants(kind: CreditEvent['kind'], at: number): boolean
  /** An event that was not wanted. */
  skip(partition: number, offset: number): void
  event(event: CreditEvent, partition: number, offset: number, at: number): void
  decision(decision: DecisionOutline, at: number): void
  judge(judgement: AlertJudgement, at: number): void
  pass(at: number): void
}

export interface CheckpointStore {
  load(): Uint8Array | undefined
  save(bytes: Uint8Array): void
}

/** What a checkpoint holds: positions and state belong together. */
interface Checkpoint {
  readonly format: number
  readonly positions: Positions
  readonly at: number
  readonly newestClaim: readonly number[]
  readonly decided: readonly number[]
  readonly state: unknown
}

export interface MonitorRunnerOptions<State> {
  readonly log: EventLog
  readonly checkpoints: CheckpointStore
  /** Makes the monitor, from a restored state or afresh. */
  readonly monitor: (state: State | undefined) => LogMonitor
  /** Stores what was found, durably and idempotently. */
  readonly deliver: (monitor: LogMonitor) => Promise<void>
  readonly logger: Logger
  readonly now: () => number
}

export class MonitorRunner<State> {
  readonly #options: MonitorRunnerOptions<State>
  readonly #monitor: LogMonitor
  readonly #records: OrderedRecords
  readonly #input: Input
  readonly #newestClaim: number[]
  readonly #decided: number[]
  #savedAt = 0
  #stopping = false
  /** Records that did not decode. */
  rejected = 0

  constructor(options: MonitorRunnerOptions<State>) {
    this.#options = options
    const { log, now } = options
    this.#input = inputOf(log)
    const held = this.#restored()
    const partitions = log.partitions('decisions')
    this.#newestClaim = [...(held?.newestClaim ?? Array.from({ length: partitions }, () => NO_CLAIM))]
    this.#decided = [...(held?.decided ?? Array.from({ length: partitions }, () => -1))]
    this.#monitor = options.monitor(held?.state as State | undefined)
    this.#records = new OrderedRecords({ log, topics: TOPICS, from: held?.positions ?? {}, at: held?.at ?? 0, now })
  }

  get monitor(): LogMonitor {
    return this.#monitor
  }

  /** Log time reached. */
  get at(): number {
    return this.#records.at
  }

  lag(): number {
    return this.#records.lag()
  }

  stop(): void {
    this.#stopping = true
  }

  /** Resolves after {@link stop}, with everything found handed over; rejects where the log cannot be read or the findings not stored. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      const records = await this.#records.next(BATCH_RECORDS)
      for (const { topic, record, at } of records) {
        if (topic === 'credit-events') this.#event(record, at)
        else if (topic === 'decisions') this.#decision(record.value, record.partition, record.offset, at)
        else if (isAlertJudgement(record.value)) this.#judgement(record.value, at)
      }
      if (records.length === 0) this.#monitor.pass(this.#records.at)
      await this.#settle()
      await (records.length === 0 ? delay(IDLE_MS) : nextTurn())
    }
    await this.#deliver()
    this.#save()
  }

  #event(record: LogRecord, at: number): void {
    const { partition, offset } = record
    const told = this.#input.format.kindOf(record.value)
    if (told !== undefined && !this.#monitor.wants(told, at)) return this.#monitor.skip(partition, offset)
    const found = readInput(record, this.#input)
    if (found.kind === 'rejected') this.rejected++
    else if (found.kind === 'stray' || (told === undefined && !this.#monitor.wants(found.event.kind, at)))
      this.#monitor.skip(partition, offset)
    else this.#monitor.event(found.event, partition, offset, at)
  }

  /** Believed decisions, each position once. */
  #decision(value: Uint8Array, partition: number, offset: number, at: number): void {
    const facts = peekDecision(value)
    if (facts.kind === 'unknown') {
      this.rejected++
      return
    }
    if (facts.kind === 'claim') {
      this.#newestClaim[partition] = seeClaim(this.#newestClaim[partition] ?? NO_CLAIM, offset)
      return
    }
    if (!isBelieved(this.#newestClaim[partition] ?? NO_CLAIM, facts.epoch) || facts.offset <= (this.#decided[partition] ?? -1)) return
    this.#decided[partition] = facts.offset
    const decoded = decodeDecisionOutline(value)
    if (decoded.kind === 'accepted') this.#monitor.decision(decoded.value, at)
    else this.rejected++
  }

  #judgement(value: Uint8Array, at: number): void {
    const parsed = decodeAlertJudgement(value)
    if (parsed.kind === 'rejected') this.rejected++
    else this.#monitor.judge(parsed.value, at)
  }

  async #settle(): Promise<void> {
    const due = this.#options.now() - this.#savedAt >= DELIVER_MS
    if (due || this.#monitor.hasNews) await this.#deliver()
    if (due) this.#save()
  }

  async #deliver(): Promise<void> {
    if (this.#monitor.hasFindings) await this.#options.deliver(this.#monitor)
  }

  /** Positions are remembered only with the findings before them stored. */
  #save(): void {
    const { log, checkpoints, now } = this.#options
    const positions = this.#records.positions()
    const checkpoint: Checkpoint = {
      format: FORMAT,
      positions,
      at: this.#records.at,
      newestClaim: this.#newestClaim,
      decided: this.#decided,
      state: this.#monitor.state,
    }
    checkpoints.save(serialize(checkpoint))
    for (const topic of TOPICS) log.release(topic, 'monitoring', positions[topic] ?? [])
    this.#savedAt = now()
  }

  /** A checkpoint that cannot be used costs a re-run from the log's start, nothing else. */
  #restored(): Checkpoint | undefined {
    const { checkpoints, log, logger } = this.#options
    const bytes = checkpoints.load()
    if (bytes === undefined) return undefined
    try {
      const held = deserialize(bytes) as Checkpoint
      const fits = TOPICS.every((topic) => {
        const end = log.end(topic)
        return held.positions[topic]?.length === end.length && held.positions[topic].every((at, p) => at <= (end[p] ?? 0))
      })
      if (held.format === FORMAT && fits) return held
      logger.warn({ format: held.format }, 'the monitoring checkpoint does not belong to this log; starting from the log’s beginning')
    } catch (err) {
      logger.warn({ err }, 'the monitoring checkpoint cannot be read; starting from the log’s beginning')
    }
    return undefined
  }
}
