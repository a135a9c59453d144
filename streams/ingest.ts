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
import { hashBytes, hashPair, type Hash64 } from './hash64.ts'
import { InFlightIndex, type InFlight } from './in-flight.ts'
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

/** Handed in: done with, on the way to the log, or refused and being kept. */
type Taken = IngestResult | InFlight | Promise<IngestResult>

/** By event: where it belongs, whose dedupe ring tells repeats, and which rings have to be loaded first. */
interface Known {
  /** −1 for protected attributes, which have none. */
  readonly partitions: readonly number[]
  readonly entities: readonly (Entity | undefined)[]
  /** Applicants by partition. */
  readonly missing: ReadonlyMap<number, ReadonlySet<string>>
}

interface Elsewhere {
  readonly applicants: Map<string, Entity>
  readonly refused: Set<number>
}

export class Ingest {
  readonly #parts: IngestParts
  readonly #inFlight: InFlightIndex
  readonly #format: EventFormat
  readonly #content: Hash64 = { high: 0, low: 0 }
  readonly #identity: Hash64 = { high: 0, low: 0 }

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
    const elsewhere: Elsewhere = { applicants: new Map(), refused: new Set() }
    let known = this.#known(events, elsewhere)
    while (known.missing.size > 0) {
      await this.#loadMissing(known.missing, elsewhere)
      // Looked up anew, with no await in between: what is in memory may leave at each, and another applicant take its memory.
      known = this.#known(events, elsewhere)
    }
    const now = this.#parts.clock.now()
    const out: Taken[] = []
    const records: AppendRecord[] = []
    const append = Promise.withResolvers<readonly number[]>()
    append.promise.catch(() => {})
    for (let i = 0; i < events.length; i++) out.push(this.#take(events[i] as IncomingEvent, now, records, append.promise, known, i))
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
  async #settled(taken: readonly Taken[], append: Promise<readonly number[]>): Promise<readonly IngestResult[]> {
    // Handled below; one that fails while the append is under way must not count as unhandled.
    for (const one of taken) if (one instanceof Promise) one.catch(() => {})
    let offsets: readonly number[]
    try {
      offsets = await append
    } catch (failure) {
      for (const one of taken) if (typeof one === 'number') this.#inFlight.forget(one)
      throw failure
    }
    let waits = false
    const results = taken.map((one): IngestResult | Promise<IngestResult> => {
      if (typeof one !== 'number') {
        waits ||= one instanceof Promise
        return one
      }
      const partition = this.#inFlight.partition(one)
      const offset = offsets[this.#inFlight.index(one)] as number
      // Elsewhere owned, it is recognised where it is folded.
      if (this.#parts.engine.owns(partition)) this.#inFlight.acknowledged(one, offset)
      else this.#inFlight.forget(one)
      return { status: 'accepted', position: { partition, offset } }
    })
    return waits ? Promise.all(results) : (results as IngestResult[])
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
    { partitions, entities }: Known,
    i: number,
  ): Taken {
    const { event } = incoming
    const { engine } = this.#parts
    if (event.kind === 'protected') return this.#toVault(event, incoming.bytes)
    const timing = judgeTime(event.eventTime, now, engine.settings.time)
    if (timing !== undefined) return this.#reject(incoming.bytes, timing)
    const value = this.#format.encode(event)
    const partition = partitions[i] as number
    const key = Buffer.from(event.applicantId, 'latin1')
    hashBytes(key, this.#identity)
    hashPair(event.producer, event.eventId, this.#identity, this.#identity)
    hashBytes(value, this.#content)
    const flying = this.#inFlight.find(this.#identity)
    if (flying !== undefined) {
      const same = this.#inFlight.isContent(flying, this.#content)
      return this.#inFlight.offset(flying).then((offset) => this.#repeat(same, { partition, offset }, incoming, event))
    }
    const entity = entities[i]
    const seen = entity && lookUp(entity, event.producer, event.eventId, this.#content, now, engine.settings.dedupe)
    if (seen !== undefined && seen.kind !== 'new')
      return this.#repeat(seen.kind === 'duplicate', { partition, offset: seen.offset }, incoming, event)
    const index = records.push({ partition, key, value }) - 1
    return this.#inFlight.add(this.#identity, this.#content, partition, append, index)
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
   * Whose dedupe rings are at hand; for use before the next await, since what is in memory may leave then. `elsewhere` are applicants of other
   * processes' partitions, as last committed, and partitions whose store stands elsewhere.
   */
  #known(events: readonly IncomingEvent[], { applicants, refused }: Elsewhere): Known {
    const { engine } = this.#parts
    const partitions: number[] = []
    const entities: (Entity | undefined)[] = []
    const missing = new Map<number, Set<string>>()
    for (const { event } of events) {
      const partition = event.kind === 'protected' ? -1 : engine.partitionOf(event.applicantId)
      const entity =
        event.kind === 'protected' ? undefined : (engine.cache.peek(partition, event.applicantId) ?? applicants.get(event.applicantId))
      partitions.push(partition)
      entities.push(entity)
      if (entity !== undefined || event.kind === 'protected' || refused.has(partition)) continue
      if (!engine.owns(partition) && event.kind !== 'application') continue
      const keys = missing.get(partition)
      if (keys === undefined) missing.set(partition, new Set([event.applicantId]))
      else keys.add(event.applicantId)
    }
    return { partitions, entities, missing }
  }

  /**
   * Dedupe rings must be at hand before the synchronous part, in which no other call can come between look and append. Those of applicants
   * whose partitions other processes own are read for applications alone, since somebody may wait for their decision. What is not recognised
   * here is recognised where it is folded.
   */
  async #loadMissing(missing: Known['missing'], elsewhere: Elsewhere): Promise<void> {
    const { engine } = this.#parts
    await Promise.all(
      [...missing].map(async ([partition, keys]) => {
        if (engine.owns(partition)) await this.#load(partition, [...keys], elsewhere.refused)
        else for (const key of keys) elsewhere.applicants.set(key, await engine.entity(key))
      }),
    )
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
