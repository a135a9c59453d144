/**
 * Looks for late events in the input log, at its own offset and behind the engine, and publishes what they would have changed in decisions
 * already made. Bounded: applicants a look, events an applicant, decisions an event, and its share of a core. Killed at any moment it finds
 * the same again, under the same identities.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { deserialize, serialize } from 'node:v8'
import { flips, type Revision } from '#schemas/revision.ts'
import { peekDecision } from '#schemas/wire.ts'
import { findDecision } from '../find-decision.ts'
import { type Input, inputOf, readInput } from '../input.ts'
import type { Logger } from '../logger.ts'
import type { CheckpointStore } from '../monitoring/monitor-runner.ts'
import type { EventLog, LogRecord } from '../ports.ts'
import { setAsideIn } from '../set-aside.ts'
import { type HistoryRules, readHistories } from './applicant-history.ts'
import { NewestApplications } from './newest-applications.ts'
import { revise, type RevisePorts } from './revise.ts'

/** Some 2 ms of decoding between turns of the event loop. */
const SLICE_BYTES = 64 * 1024
const IDLE_MS = 250
/** A look at a partition reads it from its first record: it rests this many times as long as it took, so that it costs a tenth of a core at most. */
const REST_FACTOR = 9
/** Late events wait at least this long for company: one look serves all of them. */
const GATHER_MS = 1_000
/** Applicants of one look: 256 histories of a few hundred events are some megabytes. */
const APPLICANTS_MAX = 256
/** Late events of one look: reading waits until they have been looked at. */
const SUSPECTS_MAX = 4_096
const EVENTS_MAX = 4_096
const FAN_OUT_MAX = 16
/** A late payment changes what was known of the last half year; the longest windows look back no further. */
const HORIZON_MS = 366 * 86_400_000
/** An application that waits longer for its decision has none: it was refused. */
const DECIDED_WITHIN_MS = 60_000
const SAVE_MS = 10_000
const FORMAT = 1

export interface RevisionFigures {
  readonly revisions: number
  /** Of them, those that would have been decided otherwise. */
  readonly flips: number
  /** Decisions or events not looked at because a bound was reached, or the feature set or the log's beginning is gone. */
  readonly left: number
  /** Records of the input not yet looked at. */
  readonly lag: number
}

export interface RevisionRunnerOptions extends Pick<RevisePorts, 'featureSetOf' | 'judgeOf'> {
  readonly log: EventLog
  readonly rules: HistoryRules
  readonly checkpoints: CheckpointStore
  /** Durable once it resolves; a revision that is published again is recognised by its identity. */
  readonly publish: (revisions: readonly Revision[]) => Promise<void>
  readonly logger: Logger
  readonly now: () => number
}

interface Lane {
  readonly partition: number
  /** Next record to look at. */
  next: number
  /** Next record of the decisions to look at, and the highest input offset decided before it. */
  decisionsNext: number
  decidedThrough: number
  /** Offsets of suspected late events, by applicant. */
  suspects: Map<string, number[]>
  suspectCount: number
  /** The first of them: a restart begins there. */
  firstSuspect: number
  /** Offset of the newest application seen, and when it was appended. */
  lastApplication: { readonly offset: number; readonly appendedAt: number }
  suspectedAt: number
}

interface Checkpoint {
  readonly format: number
  readonly next: readonly number[]
  readonly times: ReadonlyMap<string, number>
  readonly counts: Pick<RevisionFigures, 'revisions' | 'flips' | 'left'>
}

const newLane = (partition: number, next: number, decisionsNext: number): Lane => ({
  partition,
  next,
  decisionsNext,
  decidedThrough: -1,
  suspects: new Map(),
  suspectCount: 0,
  firstSuspect: Infinity,
  lastApplication: { offset: -1, appendedAt: 0 },
  suspectedAt: 0,
})

const isFull = ({ suspects, suspectCount }: Lane): boolean => suspects.size >= APPLICANTS_MAX || suspectCount >= SUSPECTS_MAX

export class RevisionRunner {
  readonly #options: RevisionRunnerOptions
  readonly #input: Input
  readonly #lanes: readonly Lane[]
  readonly #newest: NewestApplications
  #counts: Checkpoint['counts']
  #savedAt = 0
  #changed = false
  #restUntil = 0
  #stopping = false

  constructor(options: RevisionRunnerOptions) {
    this.#options = options
    const { log } = options
    this.#input = inputOf(log)
    const held = this.#restored()
    this.#counts = held?.counts ?? { revisions: 0, flips: 0, left: 0 }
    this.#newest = new NewestApplications(held?.times)
    const decisions = log.start('decisions')
    this.#lanes = log
      .start('credit-events')
      .map((start, partition) => newLane(partition, Math.max(start, held?.next[partition] ?? start), decisions[partition] ?? 0))
  }

  figures(): RevisionFigures {
    const end = this.#options.log.end('credit-events')
    const lag = this.#lanes.reduce((sum, { partition, next }) => sum + Math.max(0, (end[partition] ?? 0) - next), 0)
    return { ...this.#counts, left: this.#counts.left + this.#newest.forgotten, lag }
  }

  stop(): void {
    this.#stopping = true
  }

  /** Resolves after {@link stop}; rejects where the log cannot be read or revisions not published. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      const read = await this.step()
      if (this.#options.now() - this.#savedAt >= SAVE_MS) this.#save()
      await (read ? nextTurn() : delay(IDLE_MS))
    }
    this.#save()
  }

  /** One slice of every partition, and one look where it is due. True where there was something to read. */
  async step(): Promise<boolean> {
    let read = false
    for (const lane of this.#lanes) {
      if (!isFull(lane)) read = (await this.#readOn(lane)) || read
      if (this.#stopping) return read
    }
    const due = this.#lanes.find((lane) => this.#isDue(lane))
    if (due !== undefined && (await this.#isDecided(due))) await this.#look(due)
    return read
  }

  async #readOn(lane: Lane): Promise<boolean> {
    const { log, now } = this.#options
    if (lane.next >= (log.end('credit-events')[lane.partition] ?? 0)) return false
    const records = await log.read('credit-events', lane.partition, lane.next, SLICE_BYTES)
    for (const record of records) {
      if (this.#see(lane, record)) lane.suspectedAt ||= now()
      lane.next = record.offset + 1
      if (isFull(lane)) break
    }
    this.#changed ||= records.length > 0
    return records.length > 0
  }

  /** True where the record may be late. */
  #see(lane: Lane, record: LogRecord): boolean {
    const found = readInput(record, this.#input)
    // The pipeline dead-letters it, or puts it where it belongs.
    if (found.kind !== 'event') return false
    const { event } = found
    const { kind, applicantId, eventTime } = event
    const { offset, appendedAt } = record
    // An outcome is no feature, and a request is a right.
    if (kind === 'outcome') return false
    if (event.kind === 'subject-request') {
      if (event.request === 'erasure') this.#newest.erase(applicantId)
      return false
    }
    const late = this.#newest.maybeLate(applicantId, eventTime)
    if (late) {
      const held = lane.suspects.get(applicantId)
      if (held === undefined) lane.suspects.set(applicantId, [offset])
      else held.push(offset)
      lane.suspectCount++
      lane.firstSuspect = Math.min(lane.firstSuspect, offset)
    }
    if (kind === 'application') {
      this.#newest.apply(applicantId, eventTime)
      lane.lastApplication = { offset, appendedAt }
    }
    return late
  }

  #isDue(lane: Lane): boolean {
    const now = this.#options.now()
    return lane.suspectCount > 0 && now >= this.#restUntil && (isFull(lane) || now - lane.suspectedAt >= GATHER_MS)
  }

  /** Whether the engine has decided, or passed over, every application read so far: owners publish in order of position. */
  async #isDecided(lane: Lane): Promise<boolean> {
    const { log, now } = this.#options
    const { offset, appendedAt } = lane.lastApplication
    const end = log.end('decisions')[lane.partition] ?? 0
    while (lane.decisionsNext < end && lane.decidedThrough < offset) {
      const records = await log.read('decisions', lane.partition, lane.decisionsNext, SLICE_BYTES)
      if (records.length === 0) break
      for (const record of records) {
        const facts = peekDecision(record.value)
        if (facts.kind === 'decision') lane.decidedThrough = Math.max(lane.decidedThrough, facts.offset)
        lane.decisionsNext = record.offset + 1
      }
      await nextTurn()
    }
    return lane.decidedThrough >= offset || now() - appendedAt > DECIDED_WITHIN_MS
  }

  async #look(lane: Lane): Promise<void> {
    const { log, rules, publish, now, logger } = this.#options
    const began = now()
    const { partition, suspects } = lane
    const setAside = await setAsideIn(log, partition)
    const found = await readHistories({
      log,
      partition,
      applicants: new Set(suspects.keys()),
      until: lane.next,
      rules,
      setAside,
      pause: () => nextTurn(),
      eventsMax: EVENTS_MAX,
    })
    let left = found?.overlong ?? suspects.size
    const revisions: Revision[] = []
    for (const [applicant, events] of found?.events ?? []) {
      const revised = await revise(events, suspects.get(applicant) ?? [], this.#ports(partition))
      revisions.push(...revised.revisions)
      left += revised.left.overFanOut + revised.left.unknownFeatureSet
    }
    if (found === undefined)
      logger.warn(
        { partition, applicants: suspects.size },
        'late events came in, but retention removed the beginning of the log: what they would have changed cannot be told',
      )
    if (revisions.length > 0) await publish(revisions)
    this.#counts = {
      revisions: this.#counts.revisions + revisions.length,
      flips: this.#counts.flips + revisions.filter((one) => flips(one) === true).length,
      left: this.#counts.left + left,
    }
    Object.assign(lane, { suspects: new Map(), suspectCount: 0, firstSuspect: Infinity, suspectedAt: 0 } satisfies Partial<Lane>)
    this.#restUntil = now() + REST_FACTOR * (now() - began)
  }

  #ports(partition: number): RevisePorts {
    const { log, featureSetOf, judgeOf } = this.#options
    const decisionAt = (offset: number) => findDecision(log, partition, offset)
    return { decisionAt, featureSetOf, judgeOf, horizonMs: HORIZON_MS, fanOutMax: FAN_OUT_MAX, pause: () => nextTurn() }
  }

  #save(): void {
    const { checkpoints, log, now } = this.#options
    this.#savedAt = now()
    if (!this.#changed) return
    this.#changed = false
    // Suspects not looked at yet are read again.
    const next = this.#lanes.map((lane) => Math.min(lane.next, lane.firstSuspect))
    checkpoints.save(serialize({ format: FORMAT, next, times: this.#newest.times, counts: this.#counts } satisfies Checkpoint))
    log.release('credit-events', 'revisions', next)
  }

  /** A checkpoint that cannot be used costs a look at the whole log, nothing else. */
  #restored(): Checkpoint | undefined {
    const { checkpoints, log, logger } = this.#options
    const bytes = checkpoints.load()
    if (bytes === undefined) return undefined
    try {
      const held = deserialize(bytes) as Checkpoint
      const end = log.end('credit-events')
      if (held.format === FORMAT && held.next.length === end.length && held.next.every((at, p) => at <= (end[p] ?? 0))) return held
      logger.warn({ format: held.format }, 'the checkpoint of revisions does not belong to this log; starting from the log’s beginning')
    } catch (err) {
      logger.warn({ err }, 'the checkpoint of revisions cannot be read; starting from the log’s beginning')
    }
    return undefined
  }
}
