/**
 * The way in: puts each event where its key belongs, answers repeats exactly (they never reach the log), sends protected attributes to
 * the vault alone, and keeps what it refuses in the dead letters.
 */
import { filter, firstValueFrom, race, timer } from 'rxjs'
import type { CreditEvent, ProtectedEvent } from '#schemas/events.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { CATALOGUE_FORMAT, type EventFormat } from '#schemas/event-format.ts'
import { edgeDeadLetter } from './dead-letter.ts'
import type { EngineFace } from './engine-face.ts'
import type { Entity } from './entity-record.ts'
import { RetryableFailure, StaleCommit } from './failure.ts'
import { hashBytes, type Hash64 } from './hash64.ts'
import { InFlight, InFlightIndex } from './in-flight.ts'
import { judgeTime } from './pipeline/admission.ts'
import { lookUp } from './pipeline/fold.ts'
import type { AppendRecord, Clock, EventLog, IncomingEvent, IngestResult, Position, Vault } from './ports.ts'
import { keepable } from './protected-bytes.ts'

export interface IngestParts {
  readonly engine: EngineFace
  readonly log: EventLog
  readonly clock: Clock
  /** Where protected attributes go; undefined refuses them, which is the default configuration. */
  readonly vault: Vault | undefined
  /** Events the engine may lag behind the log before ingest answers `overloaded`. */
  readonly lagMax?: number
  /** Name of the edge in dead letters. */
  readonly source?: string
}

const LAG_MAX = 100_000
/** Above this many events not folded yet, callers wait a little before more is taken: a third of a second's work at full speed. */
const UNHURRIED_LAG = 16_384
/** Longest such wait; then the answer is at worst `overloaded`. */
const UNHURRIED_MS_MAX = 1_000

export class Ingest {
  readonly #parts: IngestParts
  readonly #inFlight: InFlightIndex
  readonly #format: EventFormat
  readonly #content: Hash64 = { high: 0, low: 0 }

  constructor(parts: IngestParts) {
    this.#parts = parts
    this.#format = parts.log.format ?? CATALOGUE_FORMAT
    this.#inFlight = new InFlightIndex(parts.log.partitions('credit-events'))
    parts.engine.progress.subscribe(() => this.#inFlight.folded(parts.engine.positions()))
  }

  /**
   * Appends in the given order; resolves once what was accepted survives what the durability names. Rejects with code `overloaded` or
   * `disk-full` (retryable) where nothing could be taken.
   */
  async ingest(events: readonly IncomingEvent[]): Promise<readonly IngestResult[]> {
    const lagMax = this.#parts.lagMax ?? LAG_MAX
    if (this.#inFlight.size > Math.min(lagMax, UNHURRIED_LAG)) await this.#unhurried()
    if (this.#inFlight.size > lagMax)
      throw new RetryableFailure(
        'overloaded',
        `${this.#inFlight.size} accepted events wait for the engine, at most ${lagMax} may; try again later`,
      )
    const elsewhere = await this.#loadApplicants(events)
    const now = this.#parts.clock.now()
    const out: (IngestResult | InFlight | Promise<IngestResult>)[] = []
    const records: AppendRecord[] = []
    const append = Promise.withResolvers<readonly number[]>()
    append.promise.catch(() => {})
    for (const incoming of events) out.push(this.#take(incoming, now, records, append.promise, elsewhere))
    if (records.length > 0) this.#parts.log.append('credit-events', records).then(append.resolve, append.reject)
    else append.resolve([])
    return this.#settled(out, append.promise)
  }

  /**
   * Lets the engine come closer before more is taken. A producer that waits for its answers is thereby slowed to the engine's pace, where a
   * refusal would make it send again what was parsed in vain, and a long backlog would fill the heap.
   */
  async #unhurried(): Promise<void> {
    const near = filter(() => this.#inFlight.size <= UNHURRIED_LAG)
    await firstValueFrom(race(this.#parts.engine.progress.pipe(near), timer(UNHURRIED_MS_MAX)), { defaultValue: undefined })
  }

  /** One wait for all that was appended together: a promise an event is what ingest would otherwise mostly spend its time on. */
  async #settled(
    taken: readonly (IngestResult | InFlight | Promise<IngestResult>)[],
    append: Promise<readonly number[]>,
  ): Promise<readonly IngestResult[]> {
    // Handled below; one that fails while the append is under way must not count as unhandled.
    for (const one of taken) if (one instanceof Promise) one.catch(() => {})
    let offsets: readonly number[]
    try {
      offsets = await append
    } catch (failure) {
      for (const one of taken) if (one instanceof InFlight) this.#inFlight.forget(one)
      throw failure
    }
    const results = taken.map((one): IngestResult | Promise<IngestResult> => {
      if (!(one instanceof InFlight)) return one
      const offset = offsets[one.index] as number
      // Elsewhere owned, it is recognised where it is folded.
      if (this.#parts.engine.owns(one.partition)) this.#inFlight.acknowledged(one, offset)
      else this.#inFlight.forget(one)
      return { status: 'accepted', position: { partition: one.partition, offset } }
    })
    return Promise.all(results)
  }

  /** Keeps refused bytes, save those that may hold protected attributes. Resolves once durable. */
  async deadLetter(bytes: Uint8Array, rejection: Rejection): Promise<void> {
    const { log, clock, source } = this.#parts
    const kept = keepable(bytes, rejection)
    await log.append('dead-letters', [edgeDeadLetter(0, kept.bytes, kept.rejection, clock.now(), source ?? 'http')])
  }

  #take(
    incoming: IncomingEvent,
    now: number,
    records: AppendRecord[],
    append: Promise<readonly number[]>,
    elsewhere: ReadonlyMap<string, Entity>,
  ): IngestResult | InFlight | Promise<IngestResult> {
    const { event } = incoming
    const { engine } = this.#parts
    if (event.kind === 'protected') return this.#toVault(event, incoming.bytes)
    const timing = judgeTime(event.eventTime, now, engine.settings.time)
    if (timing !== undefined) return this.#reject(incoming.bytes, timing)
    const value = this.#format.encode(event)
    const partition = engine.partitionOf(event.applicantId)
    const key = `${event.applicantId}\n${event.producer}\n${event.eventId}`
    const flying = this.#inFlight.find(key)
    hashBytes(value, this.#content)
    if (flying !== undefined) {
      const same = flying.contentHigh === this.#content.high && flying.contentLow === this.#content.low
      return flying.appended.then((offsets) => this.#repeat(same, { partition, offset: offsets[flying.index] as number }, incoming, event))
    }
    const entity = engine.cache.peek(partition, event.applicantId) ?? elsewhere.get(event.applicantId)
    const seen = entity === undefined ? undefined : lookUp(entity, event.producer, event.eventId, value, now, engine.settings.dedupe)
    if (seen !== undefined && seen.kind !== 'new')
      return this.#repeat(seen.kind === 'duplicate', { partition, offset: seen.offset }, incoming, event)
    const index = records.push({ partition, key: Buffer.from(event.applicantId, 'latin1'), value }) - 1
    return this.#inFlight.add(key, this.#content, partition, append, index)
  }

  #repeat(same: boolean, position: Position, incoming: IncomingEvent, event: CreditEvent): IngestResult | Promise<IngestResult> {
    const { counters } = this.#parts.engine
    if (same) {
      counters.ingestDuplicates++
      return { status: 'duplicate', position }
    }
    counters.ingestConflicts++
    const rejection: Rejection = {
      code: 'duplicate-conflict',
      detail: `producer ${event.producer} sent event ${event.eventId} before, with other content, as ${position.partition}-${position.offset}; the first stands`,
      errors: [
        {
          pointer: '/eventId',
          value: event.eventId.slice(0, 64),
          expected: 'an id not used before, or the same content',
          remedy: 'Give the corrected event an eventId of its own.',
        },
      ],
    }
    return this.deadLetter(incoming.bytes, rejection).then(() => ({ status: 'conflict', position, rejection }))
  }

  async #reject(bytes: Uint8Array, rejection: Rejection): Promise<IngestResult> {
    this.#parts.engine.counters.ingestRejected++
    await this.deadLetter(bytes, rejection)
    return { status: 'rejected', position: null, rejection }
  }

  /** A refused attribute is not dead-lettered: its bytes may not lie anywhere but in the vault. */
  async #toVault(event: ProtectedEvent, bytes: Uint8Array): Promise<IngestResult> {
    const { vault, engine } = this.#parts
    if (vault === undefined) {
      engine.counters.ingestRejected++
      const detail = 'protected attributes are not collected by this installation; nothing of the event was kept'
      return {
        status: 'rejected',
        position: null,
        rejection: {
          code: 'unknown-kind',
          detail,
          errors: [
            {
              pointer: '/kind',
              value: 'protected',
              expected: 'a kind that is configured',
              remedy: 'Configure the vault if the law asks for this collection.',
            },
          ],
        },
      }
    }
    const put = await vault.put({
      subject: event.applicantId,
      producer: event.producer,
      eventId: event.eventId,
      attributes: event.attributes,
      bytes,
    })
    if (put === 'accepted') return { status: 'accepted', position: null }
    if (put === 'duplicate') {
      engine.counters.ingestDuplicates++
      return { status: 'duplicate', position: null }
    }
    engine.counters.ingestConflicts++
    return {
      status: 'conflict',
      position: null,
      rejection: {
        code: 'duplicate-conflict',
        detail: `producer ${event.producer} sent protected event ${event.eventId} before, with other content; the first stands`,
        errors: [],
      },
    }
  }

  /**
   * Dedupe rings must be at hand before the synchronous part, in which no other call can come between look and append. Returns those of
   * applicants whose partitions other processes own, as last committed; for applications alone, since somebody may wait for their decision. What
   * is not recognised here is recognised where it is folded.
   */
  async #loadApplicants(events: readonly IncomingEvent[]): Promise<ReadonlyMap<string, Entity>> {
    const { engine } = this.#parts
    const elsewhere = new Map<string, Entity>()
    const refused = new Set<number>()
    for (;;) {
      const missing = new Map<number, Set<string>>()
      for (const { event } of events) {
        if (event.kind === 'protected') continue
        const partition = engine.partitionOf(event.applicantId)
        if (engine.cache.peek(partition, event.applicantId) !== undefined || refused.has(partition)) continue
        if (!engine.owns(partition)) {
          if (event.kind === 'application' && !elsewhere.has(event.applicantId))
            elsewhere.set(event.applicantId, await engine.entity(event.applicantId))
          continue
        }
        const keys = missing.get(partition)
        if (keys === undefined) missing.set(partition, new Set([event.applicantId]))
        else keys.add(event.applicantId)
      }
      if (missing.size === 0) return elsewhere
      await Promise.all([...missing].map(([partition, keys]) => this.#load(partition, [...keys], refused)))
    }
  }

  /** A store that stands elsewhere is the engine's affair; it will find out by itself. */
  async #load(partition: number, keys: readonly string[], refused: Set<number>): Promise<void> {
    try {
      await this.#parts.engine.cache.load(partition, keys)
    } catch (failure) {
      if (!(failure instanceof StaleCommit)) throw failure
      refused.add(partition)
    }
  }
}
