/** A producer that keeps its own ledger: it sends until it is told that the log has the event, and sometimes again after that. */
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { encodeEvent } from '#schemas/wire.ts'
import { partitionOf } from '#streams/murmur2.ts'
import type { AppendRecord } from '#streams/ports.ts'
import { application, payment } from '../streams/support/embedded.ts'
import type { Line } from './line.ts'
import type { Scheduler } from './scheduler.ts'
import type { SharedLog } from './shared-log.ts'

const APPLICANTS = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8']
const APPLICATIONS = 0.35
/** Sent again though acknowledged; sent again with other content; no event at all. */
const AGAIN = 0.12
const OTHER = 0.04
const GARBAGE = 0.03
/** Placed by another partitioner, or sent without a key. */
const ASTRAY = 0.06

export class Producer {
  /** Acknowledged records, by position. */
  readonly acknowledged = new Map<string, Uint8Array>()
  readonly #line: Line
  readonly #log: SharedLog
  readonly #scheduler: Scheduler
  #open = 0

  constructor(line: Line, log: SharedLog, scheduler: Scheduler) {
    this.#line = line
    this.#log = log
    this.#scheduler = scheduler
  }

  get done(): boolean {
    return this.#open === 0
  }

  /** Spreads `events` events over the next `ms`. */
  produce(events: number, ms: number): void {
    for (let n = 0; n < events; n++) {
      const who = this.#scheduler.pick(APPLICANTS)
      const event = this.#scheduler.chance(APPLICATIONS) ? application(who, n) : payment(who, n)
      const value = this.#scheduler.chance(GARBAGE) ? Buffer.from(`garbage ${n}`) : encodeEvent(event)
      this.#sendAfter(this.#scheduler.random() * ms, who, value)
      if (this.#scheduler.chance(AGAIN)) this.#sendAfter(this.#scheduler.random() * ms, who, value)
      if (this.#scheduler.chance(OTHER)) this.#sendAfter(this.#scheduler.random() * ms, who, encodeEvent(otherwise(event)))
    }
  }

  /** One application of everybody, once: so that no partition stays idle, and with it whatever happened to its state. */
  conclude(): void {
    for (const who of APPLICANTS) this.#sendAfter(this.#scheduler.random(), who, encodeEvent(application(who, 1_000)))
  }

  #sendAfter(ms: number, who: string, value: Uint8Array): void {
    this.#open++
    const key = Buffer.from(applicantId(who))
    const home = { partition: partitionOf(key, this.#log.partitions), key, value }
    const record = this.#scheduler.chance(ASTRAY)
      ? { partition: Math.floor(this.#scheduler.random() * this.#log.partitions), key: Buffer.alloc(0), value }
      : home
    this.#scheduler.after(ms, () => this.#send(record))
  }

  #send(record: AppendRecord): void {
    this.#line
      .call((reach) => (reach > 0.5 ? this.#log.append('credit-events', [record]) : []))
      .then(
        ([offset]) => {
          this.acknowledged.set(`${record.partition}-${offset}`, record.value)
          this.#open--
        },
        () => this.#scheduler.after(this.#scheduler.random() * 20, () => this.#send(record)),
      )
  }
}

const otherwise = (event: CreditEvent): CreditEvent =>
  event.kind === 'application' ? { ...event, amount: moneyMinor(event.amount + 1) } : { ...event, eventTime: epochMs(event.eventTime + 1) }
