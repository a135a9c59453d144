/** One partition's share of the reconciler: three cursors in step, and the counts. */
import type { Decision } from '#schemas/decision.ts'
import { decodeDeadLetter, decodeDecisionRecord } from '#schemas/wire.ts'
import { firstBelieved } from '../find-decision.ts'
import { applicationIn, type Input, inputOf } from '../input.ts'
import type { EventLog, LogRecord, Topic } from '../ports.ts'
import { isBelieved, NO_CLAIM, seeClaim } from '../protocol/belief.ts'
import { RecentContents } from '../protocol/recent-contents.ts'
import { findRepeats } from './find-repeats.ts'
import { idOf, KnownIds } from './known-ids.ts'
import { Pending } from './pending.ts'

const PAGE_BYTES = 256 * 1024

interface Counts {
  /** Positions with a believed decision. */
  decided: number
  /** Applications refused by the pipeline, with their bytes in the dead letters. */
  deadLettered: number
  /** Passed over by a later believed decision, with neither decision nor dead letter, and no repeat of an earlier event. */
  lost: number
  /** Believed records that contradict what was decided, or speak of a position that holds no application. */
  conflicting: number
  /** Believed records beyond the first of their position, of the same content. */
  repeated: number
  /** Applications that repeat an earlier event: decided once, at the first position. */
  duplicates: number
  /** Input records that retention removed before they were read here. */
  skipped: number
}

export interface PartitionPlace {
  readonly input: number
  readonly deadLetters: number
  readonly decisions: number
  readonly newestClaim: number
  readonly newestDecided: number
  readonly pending: readonly number[]
  readonly counts: Readonly<Counts>
}

export interface PartitionReport extends Readonly<Counts> {
  readonly partition: number
  /** Different applications read. */
  readonly applications: number
  readonly inFlight: number
  readonly lag: number
}

const START: PartitionPlace = {
  input: 0,
  deadLetters: 0,
  decisions: 0,
  newestClaim: NO_CLAIM,
  newestDecided: -1,
  pending: [],
  counts: { decided: 0, deadLettered: 0, lost: 0, conflicting: 0, repeated: 0, duplicates: 0, skipped: 0 },
}

export class PartitionWalk {
  readonly #log: EventLog
  readonly #input: Input
  readonly #partition: number
  readonly #pendingMax: number
  readonly #next: Record<'credit-events' | 'dead-letters' | 'decisions', number>
  readonly #pending: Pending
  readonly #counts: Counts
  readonly #contents = new RecentContents()
  readonly #ids = new KnownIds()
  /** Of those pending, retries already recognised. */
  readonly #retries = new Set<number>()
  /** Passed over by a later decision; judged once the dead letters have been read as far as they go. */
  #passed = new Pending()
  #newestClaim: number
  #newestDecided: number

  constructor(log: EventLog, partition: number, pendingMax: number, place: PartitionPlace = START) {
    this.#log = log
    this.#input = inputOf(log)
    this.#partition = partition
    this.#pendingMax = pendingMax
    this.#next = { 'credit-events': place.input, 'dead-letters': place.deadLetters, decisions: place.decisions }
    this.#pending = new Pending(place.pending)
    this.#counts = { ...place.counts }
    this.#newestClaim = place.newestClaim
    this.#newestDecided = place.newestDecided
  }

  /** One page of each log at most; true where anything was read. */
  async step(): Promise<boolean> {
    const input = this.#pending.size < this.#pendingMax && (await this.#page('credit-events', (record) => this.#takeInput(record)))
    const letters = await this.#page('dead-letters', (record) => this.#takeDeadLetter(record))
    const decisions = await this.#page('decisions', (record) => this.#takeDecision(record))
    if (this.#passed.size > 0) await this.#judgePassed()
    return input || letters || decisions
  }

  report(): PartitionReport {
    const { decided, deadLettered, lost } = this.#counts
    const inFlight = this.#pending.size - this.#retries.size
    const lag = (['credit-events', 'decisions'] as const).reduce((sum, topic) => sum + this.#end(topic) - this.#next[topic], 0)
    return { ...this.#counts, partition: this.#partition, applications: decided + deadLettered + lost + inFlight, inFlight, lag }
  }

  position(topic: 'credit-events' | 'decisions'): number {
    return this.#next[topic]
  }

  place(): PartitionPlace {
    return {
      input: this.#next['credit-events'],
      deadLetters: this.#next['dead-letters'],
      decisions: this.#next.decisions,
      newestClaim: this.#newestClaim,
      newestDecided: this.#newestDecided,
      pending: this.#pending.toArray(),
      counts: { ...this.#counts },
    }
  }

  #end(topic: Topic): number {
    return this.#log.end(topic)[this.#partition] as number
  }

  /** Reads a page; `take` returns false where a record must wait for the input. */
  async #page(topic: 'credit-events' | 'dead-letters' | 'decisions', take: (record: LogRecord) => unknown): Promise<boolean> {
    const start = this.#log.start(topic)[this.#partition] as number
    if (start > this.#next[topic]) {
      if (topic === 'credit-events') this.#counts.skipped += start - this.#next[topic]
      this.#next[topic] = start
    }
    const before = this.#next[topic]
    if (before >= this.#end(topic)) return false
    for (const record of await this.#log.read(topic, this.#partition, before, PAGE_BYTES)) {
      if ((await take(record)) === false) break
      this.#next[topic] = record.offset + 1
    }
    return this.#next[topic] > before
  }

  #takeInput(record: LogRecord): void {
    // What the engine cannot read either goes to the dead letters, as no application; what strayed is one where it was put.
    const application = applicationIn(record, this.#input)
    if (application === undefined) return
    this.#pending.push(record.offset)
    if (this.#ids.isRepeat(idOf(application), record.offset)) this.#retries.add(record.offset)
  }

  #takeDeadLetter(record: LogRecord): boolean {
    const letter = decodeDeadLetter(record.value)
    if (letter.kind === 'rejected' || letter.value.partition !== this.#partition || letter.value.offset === null) return true
    const position = letter.value.offset
    if (position >= this.#next['credit-events']) return false
    if (this.#pending.remove(position) || this.#passed.remove(position)) {
      this.#retries.delete(position)
      this.#counts.deadLettered++
    }
    return true
  }

  async #takeDecision(record: LogRecord): Promise<boolean> {
    const found = decodeDecisionRecord(record.value)
    if (found.kind === 'claim') this.#newestClaim = seeClaim(this.#newestClaim, record.offset)
    if (found.kind === 'rejected') this.#counts.conflicting++
    if (found.kind !== 'decision' || !isBelieved(this.#newestClaim, found.decision.epoch)) return true
    const position = found.decision.body.offset
    if (position >= this.#next['credit-events']) return this.#takeAhead(position)
    if (position > this.#newestDecided) this.#takeFirst(position, found.decision)
    else await this.#takeAgain(position, found.decision, record)
    return true
  }

  /** A decision on what was not read yet waits; one on what the input does not hold speaks of nothing. */
  async #takeAhead(position: number): Promise<boolean> {
    this.#pass(position)
    if (position >= this.#end('credit-events')) await this.#log.refresh('credit-events', [this.#partition])
    if (position < this.#end('credit-events')) return false
    this.#counts.conflicting++
    return true
  }

  /** Owners publish in order of position: what lies below a believed decision will get none any more. */
  #pass(position: number): void {
    for (const passed of this.#pending.takeBelow(position)) this.#passed.push(passed)
  }

  #takeFirst(position: number, { capsuleHash }: Decision): void {
    this.#pass(position)
    if (this.#pending.remove(position)) this.#counts.decided++
    else this.#counts.conflicting++
    this.#retries.delete(position)
    this.#newestDecided = position
    this.#contents.remember(position, capsuleHash)
  }

  /** At or below the newest position: a repeat, unless it contradicts the first content or there was none. */
  async #takeAgain(position: number, { capsuleHash }: Decision, { offset }: LogRecord): Promise<void> {
    const first = this.#contents.find(position) ?? (await firstBelieved(this.#log, this.#partition, position, offset))?.capsuleHash
    if (first === capsuleHash) this.#counts.repeated++
    else this.#counts.conflicting++
  }

  /** Dead letters are published before the decisions of their batch: those of what was passed over are readable by now. */
  async #judgePassed(): Promise<void> {
    await this.#log.refresh('dead-letters', [this.#partition])
    while (this.#passed.size > 0 && (await this.#page('dead-letters', (record) => this.#takeDeadLetter(record))));
    const passed = this.#passed.toArray()
    this.#passed = new Pending()
    const unknown = passed.filter((position) => !this.#retries.delete(position))
    this.#counts.duplicates += passed.length - unknown.length
    if (unknown.length === 0) return
    const repeats = await findRepeats(this.#log, this.#partition, unknown)
    this.#counts.duplicates += repeats.size
    this.#counts.lost += unknown.length - repeats.size
  }
}
