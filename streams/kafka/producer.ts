/**
 * An idempotent producer: each partition has one batch on its way, sent again as it is, under the same sequence number, until the broker
 * acknowledges it from all in-sync replicas; what is appended meanwhile forms the next. So nothing is doubled or put out of order by a
 * retry, and nothing waits for a timer.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { initProducerIdV4 } from '@platformatic/kafka'
import { RetryableFailure, TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import type { AppendRecord } from '../ports.ts'
import { explained, KAFKA_ERROR, type KafkaCluster } from './cluster.ts'
import { produce } from './produce.ts'
import { BATCH_BYTES_MAX, offsetsOf, type Piece, piecesOf } from './pieces.ts'
import { encodeBatch } from './record-batch.ts'

/** After so long without an acknowledgement the outcome is given up as unknown; Kafka's own default (delivery.timeout.ms). */
const DELIVERY_MS_MAX = 120_000
/** Sequence numbers have 31 bits and begin again at 0. */
const SEQUENCES = 2 ** 31
const RETRY_MS = 50
const RETRY_MS_MAX = 1_000

export interface ProducerOptions {
  readonly cluster: KafkaCluster
  readonly logger: Logger
  /** Bytes that may wait to be acknowledged; appends beyond it are refused as `overloaded`. */
  readonly queueBytesMax: number
  readonly deliveryMsMax?: number
  /** The broker holds records up to `end`. */
  readonly appended: (topic: string, partition: number, end: number) => void
}

/** One call's records of one partition. */
interface Entry {
  readonly records: readonly AppendRecord[]
  readonly bytes: number
  readonly resolve: (baseOffset: number) => void
  readonly reject: (failure: Error) => void
}

interface Batch {
  readonly entries: readonly Entry[]
  readonly records: readonly AppendRecord[]
  readonly since: number
}

interface Lane {
  readonly topic: string
  readonly partition: number
  queue: Entry[]
  /** Under which `sequence` counts. */
  identity: Identity | undefined
  /** Number of the next record. */
  sequence: number
  sending: boolean
}

interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export class IdempotentProducer {
  readonly #options: ProducerOptions
  readonly #lanes = new Map<string, Lane>()
  #identity: Promise<Identity> | undefined
  #queued = 0
  #closed = false

  constructor(options: ProducerOptions) {
    this.#options = options
  }

  /** Offsets of the records, in their order. Records of one partition that fit a batch are appended together or not at all. */
  async append(topic: string, records: readonly AppendRecord[]): Promise<readonly number[]> {
    if (records.length === 0) return []
    if (this.#closed) throw new RetryableFailure('closed', `${topic} is closed: nothing was appended`)
    const pieces = piecesOf(topic, records)
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0)
    if (this.#queued > 0 && this.#queued + bytes > this.#options.queueBytesMax)
      throw new RetryableFailure(
        'overloaded',
        `${this.#queued} bytes wait for Kafka's acknowledgement, at most ${this.#options.queueBytesMax} may; nothing was appended`,
      )
    this.#queued += bytes
    try {
      const bases = await Promise.all(pieces.map((piece) => this.#enqueue(topic, piece)))
      return offsetsOf(pieces, bases)
    } finally {
      this.#queued -= bytes
    }
  }

  /** What is on its way may still be acknowledged; what waits is refused. */
  async close(): Promise<void> {
    this.#closed = true
    while ([...this.#lanes.values()].some(({ sending }) => sending)) await delay(5)
  }

  #enqueue(topic: string, { partition, records, bytes }: Piece): Promise<number> {
    const name = `${topic}/${partition}`
    let lane = this.#lanes.get(name)
    if (lane === undefined)
      this.#lanes.set(name, (lane = { topic, partition, queue: [], identity: undefined, sequence: 0, sending: false }))
    const found = lane
    return new Promise((resolve, reject) => {
      found.queue.push({ records, bytes, resolve, reject })
      if (found.sending) return
      found.sending = true
      // Until the end of this turn of the loop, so that what is appended together travels together.
      queueMicrotask(() => void this.#drain(found))
    })
  }

  async #drain(lane: Lane): Promise<void> {
    while (lane.queue.length > 0) {
      const batch = takeBatch(lane)
      try {
        const base = await this.#deliver(lane, batch)
        let at = base
        for (const { records, resolve } of batch.entries) {
          resolve(at)
          at += records.length
        }
        this.#options.appended(lane.topic, lane.partition, at)
      } catch (error) {
        for (const { reject } of batch.entries) reject(error as Error)
      }
    }
    lane.sending = false
  }

  /** Sends until acknowledged. Rejects where no retry can help, or none did for too long. */
  async #deliver(lane: Lane, batch: Batch): Promise<number> {
    for (let attempt = 0; ; attempt++) {
      let failure: Error
      try {
        const identity = await this.#identify()
        if (lane.identity !== identity) {
          lane.identity = identity
          lane.sequence = 0
        }
        const bytes = encodeBatch(batch.records, { ...identity, sequence: lane.sequence }, Date.now())
        const { errorCode, baseOffset } = await produce(this.#options.cluster, lane.topic, lane.partition, bytes, attempt > 0)
        if (errorCode === 0 || (errorCode === KAFKA_ERROR.duplicateSequence && baseOffset >= 0)) {
          lane.sequence = (lane.sequence + batch.records.length) % SEQUENCES
          return baseOffset
        }
        failure = this.#judge(lane, errorCode, identity)
      } catch (error) {
        failure = explained(error, `appending to ${lane.topic}[${lane.partition}]`)
      }
      if (failure instanceof TerminalFailure || isFinal(failure)) throw failure
      if (performance.now() - batch.since > (this.#options.deliveryMsMax ?? DELIVERY_MS_MAX) || this.#closed) {
        this.#identity = undefined
        throw new RetryableFailure(
          'unreachable',
          `${failure.message}; given up, and whether the records were appended is not known: appending them again may repeat them`,
          failure,
        )
      }
      if (attempt === 0)
        this.#options.logger.warn(
          { topic: lane.topic, partition: lane.partition, reason: failure.message },
          'not acknowledged; trying again',
        )
      await delay(Math.min(RETRY_MS * 2 ** attempt, RETRY_MS_MAX))
    }
  }

  #judge(lane: Lane, errorCode: number, identity: Identity): Error {
    const place = `${lane.topic}[${lane.partition}]`
    switch (errorCode) {
      case KAFKA_ERROR.recordTooLarge:
        return new RetryableFailure('record-too-large', `${place} refuses a batch as too large: raise max.message.bytes of the topic`)
      case KAFKA_ERROR.topicAuthorizationFailed:
      case KAFKA_ERROR.clusterAuthorizationFailed:
        return new TerminalFailure(
          'forbidden',
          `${place}: Kafka's access list forbids appending to this user. Grant WRITE (and IDEMPOTENT_WRITE before Kafka 3.0) with kafka-acls.`,
        )
      case KAFKA_ERROR.outOfOrderSequence:
      case KAFKA_ERROR.unknownProducerId:
      case KAFKA_ERROR.invalidProducerEpoch:
        // The broker forgot this producer, or an earlier outcome was never learned: begin anew.
        void this.#identity?.then((known) => {
          if (known === identity) this.#identity = undefined
        })
        return new RetryableFailure('unreachable', `${place} does not know this producer's sequence any more (Kafka error ${errorCode})`)
      default:
        return new RetryableFailure('unreachable', `${place} answered with Kafka error ${errorCode}`)
    }
  }

  #identify(): Promise<Identity> {
    if (this.#identity !== undefined) return this.#identity
    const asked = this.#ask()
    this.#identity = asked
    asked.catch(() => {
      if (this.#identity === asked) this.#identity = undefined
    })
    return asked
  }

  async #ask(): Promise<Identity> {
    const { cluster } = this.#options
    const { brokers } = await cluster.topics([])
    const node = brokers.keys().next().value as number
    const connection = await cluster.connection(node, 'ask')
    const { producerId, producerEpoch } = await initProducerIdV4.api.async(connection, null, 0)
    return { producerId, producerEpoch }
  }
}

const isFinal = (failure: Error): boolean => failure instanceof RetryableFailure && failure.code === 'record-too-large'

const takeBatch = (lane: Lane): Batch => {
  let bytes = 0
  let count = 0
  for (const entry of lane.queue) {
    if (count > 0 && bytes + entry.bytes > BATCH_BYTES_MAX) break
    bytes += entry.bytes
    count++
  }
  const entries = lane.queue.slice(0, count)
  lane.queue = lane.queue.slice(count)
  const records = entries.length === 1 ? (entries[0] as Entry).records : entries.flatMap((entry) => entry.records)
  return { entries, records, since: performance.now() }
}
