/** What the log holds of some applicants: the events that moved their state, by the rules and the code of the live pipeline. */
import type { KnownEvent } from '#features/revision.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { DedupeLimits } from '../dedupe-ring.ts'
import { newEntity, type Entity } from '../entity-record.ts'
import { type Input, inputOf } from '../input.ts'
import { admit, type TimeRules } from '../pipeline/admission.ts'
import { recognise } from '../pipeline/fold.ts'
import type { EventLog, LogRecord } from '../ports.ts'

export interface HistoryRules {
  /** As in force while the engine ran. */
  readonly time: TimeRules
  readonly dedupe: DedupeLimits
}

export interface HistoryQuestion {
  readonly log: EventLog
  readonly partition: number
  readonly applicants: ReadonlySet<string>
  /** Offset behind the last record looked at. */
  readonly until: number
  readonly rules: HistoryRules
  /** Positions of the partition that were set aside as poison. */
  readonly setAside: ReadonlySet<number>
  /** Called between pages: others have their turn. */
  readonly pause: () => Promise<unknown>
  /** Events held of one applicant; of one with more nothing is told. */
  readonly eventsMax: number
}

export interface AppendedEvent extends KnownEvent {
  /** Append time, ms. */
  readonly appendedAt: number
}

const PAGE_BYTES = 1024 * 1024
const NO_STATE = new Uint8Array(0)

const isErasure = (event: CreditEvent): boolean => event.kind === 'subject-request' && event.request === 'erasure'

class Histories {
  readonly #question: HistoryQuestion
  readonly #input: Input
  readonly #entities = new Map<string, Entity>()
  readonly events = new Map<string, AppendedEvent[]>()
  readonly overlong = new Set<string>()

  constructor(question: HistoryQuestion) {
    this.#question = question
    this.#input = inputOf(question.log)
  }

  take(record: LogRecord): void {
    const { applicants, rules, setAside, eventsMax } = this.#question
    const key = Buffer.from(record.key.buffer, record.key.byteOffset, record.key.byteLength).toString('latin1')
    if (!applicants.has(key) || setAside.has(record.offset)) return
    const parsed = admit(record, this.#input, rules.time)
    if (parsed.kind !== 'event') return
    const entity = this.#entities.get(key) ?? newEntity(NO_STATE)
    this.#entities.set(key, entity)
    if (recognise(entity, parsed.event, record, rules.dedupe).kind !== 'new') return
    // What was erased is known no more, neither then nor now.
    if (isErasure(parsed.event)) this.events.delete(key)
    else this.#hold(key, { event: parsed.event, offset: record.offset, appendedAt: record.appendedAt }, eventsMax)
  }

  #hold(key: string, event: AppendedEvent, eventsMax: number): void {
    const held = this.events.get(key) ?? []
    held.push(event)
    this.events.set(key, held)
    if (held.length > eventsMax) this.overlong.add(key)
  }
}

/**
 * Events of each applicant without repeats, in order of offset, since the last erasure. `undefined` where the log no longer begins at its
 * first record: then states cannot be folded anew from it.
 */
export const readHistories = async (
  question: HistoryQuestion,
): Promise<{ readonly events: ReadonlyMap<string, readonly AppendedEvent[]>; readonly overlong: number } | undefined> => {
  const { log, partition, until, pause } = question
  if ((log.start('credit-events')[partition] ?? 0) > 0) return undefined
  const histories = new Histories(question)
  for (let next = 0; next < until;) {
    const records = await log.read('credit-events', partition, next, PAGE_BYTES)
    for (const record of records) {
      if (record.offset >= until) break
      histories.take(record)
    }
    const last = records.at(-1)
    if (last === undefined) break
    next = last.offset + 1
    await pause()
  }
  for (const applicant of histories.overlong) histories.events.delete(applicant)
  return { events: histories.events, overlong: histories.overlong.size }
}
