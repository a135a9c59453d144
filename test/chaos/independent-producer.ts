/**
 * A producer that shares nothing with the engine but the wire format: kafkajs, its default partitioner, and a ledger of its own. It sends
 * again what was not acknowledged, now and then what was, and swaps neighbours.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import type { CreditEvent } from '#schemas/events.ts'
import { decodeEvent, encodeEvent } from '#schemas/wire.ts'

const BATCH = 20
/** About 800 events a second. */
const PAUSE_MS = 25
const AGAIN = 0.03
const SWAP = 0.05
/** Events of one disorder: as many old ones again, and as many new ones out of order. */
const DISORDER = 400

export class IndependentProducer {
  /** Event id → value, of every event the broker acknowledged. */
  readonly acknowledged = new Map<string, Buffer>()
  sent = 0
  /** Sent again on purpose, or for want of an acknowledgement. */
  again = 0
  readonly #producer: Producer
  readonly #events: Iterator<CreditEvent>
  readonly #random: () => number
  #disorders = 0
  #stopped = false

  constructor(broker: string, events: Iterator<CreditEvent>, random: () => number) {
    const kafka = new Kafka({ brokers: [broker], clientId: 'independent', logLevel: logLevel.NOTHING, retry: { retries: 2 } })
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false })
    this.#events = events
    this.#random = random
  }

  /** Sends until {@link stop}, then resolves once all of it is acknowledged. */
  async run(): Promise<void> {
    await this.#producer.connect()
    while (!this.#stopped) {
      const batch = this.#disorders > 0 ? this.#disorder() : this.#batch()
      if (batch.length === 0) break
      await this.#send(batch)
      await sleep(PAUSE_MS)
    }
    await this.#producer.disconnect()
  }

  stop(): void {
    this.#stopped = true
  }

  /** What it sends next is old events from anywhere in its past, among new ones in no order. */
  disorder(): void {
    this.#disorders += 1
  }

  #disorder(): CreditEvent[] {
    this.#disorders -= 1
    const old = [...this.acknowledged.values()]
    const again = Array.from({ length: Math.min(DISORDER, old.length) }, () => old[Math.floor(this.#random() * old.length)] as Buffer)
    this.again += again.length
    const events = [...this.#next(DISORDER), ...again.map(eventIn)]
    for (let i = events.length - 1; i > 0; i--) {
      const other = Math.floor(this.#random() * (i + 1))
      ;[events[i], events[other]] = [events[other] as CreditEvent, events[i] as CreditEvent]
    }
    return events
  }

  #next(count: number): CreditEvent[] {
    const events: CreditEvent[] = []
    while (events.length < count) {
      const next = this.#events.next()
      if (next.done === true) break
      events.push(next.value)
    }
    return events
  }

  #batch(): CreditEvent[] {
    const batch = this.#next(BATCH)
    for (let i = 1; i < batch.length; i++)
      if (this.#random() < SWAP) [batch[i - 1], batch[i]] = [batch[i] as CreditEvent, batch[i - 1] as CreditEvent]
    const repeats = batch.filter(() => this.#random() < AGAIN)
    this.again += repeats.length
    return [...batch, ...repeats]
  }

  async #send(batch: readonly CreditEvent[]): Promise<void> {
    const messages = batch.map((event) => ({ key: event.applicantId, value: Buffer.from(encodeEvent(event)) }))
    for (;;) {
      try {
        await this.#producer.send({ topic: 'credit-events', acks: -1, timeout: 5_000, messages })
        break
      } catch {
        // It may have arrived all the same.
        this.again += messages.length
        await sleep(200)
      }
    }
    this.sent += messages.length
    batch.forEach(({ eventId }, i) => this.acknowledged.set(eventId, messages[i]?.value ?? Buffer.alloc(0)))
  }
}

const eventIn = (value: Buffer): CreditEvent => {
  const event = decodeEvent(value)
  if (event.kind === 'rejected') throw new Error(`the producer sent what is no event: ${event.rejection.detail}`)
  return event.value
}
