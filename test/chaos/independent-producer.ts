/**
 * A producer that shares nothing with the engine but the wire format: kafkajs, its default partitioner, and a ledger of its own. It sends
 * again what was not acknowledged, now and then what was, and swaps neighbours.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import type { CreditEvent } from '#schemas/events.ts'
import { encodeEvent } from '#schemas/wire.ts'

const BATCH = 20
/** About 800 events a second. */
const PAUSE_MS = 25
const AGAIN = 0.03
const SWAP = 0.05

export class IndependentProducer {
  /** Event id → value, of every event the broker acknowledged. */
  readonly acknowledged = new Map<string, Buffer>()
  sent = 0
  /** Sent again on purpose, or for want of an acknowledgement. */
  again = 0
  readonly #producer: Producer
  readonly #events: Iterator<CreditEvent>
  readonly #random: () => number
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
      const batch = this.#batch()
      if (batch.length === 0) break
      await this.#send(batch)
      await sleep(PAUSE_MS)
    }
    await this.#producer.disconnect()
  }

  stop(): void {
    this.#stopped = true
  }

  #batch(): CreditEvent[] {
    const batch: CreditEvent[] = []
    while (batch.length < BATCH) {
      const next = this.#events.next()
      if (next.done === true) break
      batch.push(next.value)
    }
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
