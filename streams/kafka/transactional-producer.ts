/**
 * Appends to the decisions in transactions, one a batch of one partition, under a transactional id for each partition. A claim takes the id over: what
 * the partition's earlier owner had under way is aborted and never read, and it can append to no transaction any more. So of a batch either nothing is
 * readable or all of it is, once, and its owner learns which.
 *
 * Nothing rests on it. An owner that was fenced goes on outside transactions until it claims again: what it appends then lies behind its successor's
 * claim and is believed by nobody, or before it and is adopted, as without transactions.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { peekDecision } from '#schemas/wire.ts'
import { RetryableFailure, TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import type { AppendRecord } from '../ports.ts'
import { errorCodeOf, explained, KAFKA_ERROR, type KafkaCluster } from './cluster.ts'
import { offsetsOf, type Piece, piecesOf } from './pieces.ts'
import { produceWithin } from './produce.ts'
import { encodeBatch } from './record-batch.ts'
import { type Identity, TransactionCoordinator } from './transaction-coordinator.ts'

const RETRY_MS = 50
const RETRY_MS_MAX = 1_000
/** Marks of the transaction before are still being written. */
const CONCURRENT_MS = 2
const CONCURRENT_MS_MAX = 100
/** Connections that the partitions share: requests of one wait for each other. */
const CONNECTIONS = 4

export interface TransactionalProducerOptions {
  readonly cluster: KafkaCluster
  readonly logger: Logger
  readonly topic: string
  /** Bytes that may wait to be committed; appends beyond it are refused as `overloaded`. */
  readonly queueBytesMax: number
  /** The broker holds records up to `end`. */
  readonly appended: (partition: number, end: number) => void
  /** Whether a record can be read at `offset`; waits until every transaction up to there has ended. */
  readonly holds: (partition: number, offset: number) => Promise<boolean>
  /** Appends outside transactions. */
  readonly appendPlainly: (records: readonly AppendRecord[]) => Promise<readonly number[]>
}

/** How this process stands to the transactional id of a partition. */
type Standing =
  | { readonly kind: 'none' }
  | { readonly kind: 'own'; readonly identity: Identity; /** Number of the next record. */ sequence: number }
  /** Another process took the id over, or the broker gave it up. */
  | { readonly kind: 'fenced' }

interface Lane {
  readonly partition: number
  readonly slot: string
  readonly transactionalId: string
  readonly coordinator: TransactionCoordinator
  standing: Standing
  /** The append before this one. */
  last: Promise<unknown>
}

/** What became of a request: 0, or an error that asking again does not change. */
type Answer<Value> = { readonly code: 0; readonly value: Value } | { readonly code: number; readonly value?: undefined }

const FENCED: readonly number[] = [KAFKA_ERROR.invalidProducerEpoch, KAFKA_ERROR.producerFenced, KAFKA_ERROR.invalidProducerIdMapping]
/** The transaction can only be begun anew. */
const SPOILT: readonly number[] = [
  KAFKA_ERROR.invalidTransactionState,
  KAFKA_ERROR.outOfOrderSequence,
  KAFKA_ERROR.unknownProducerId,
  KAFKA_ERROR.duplicateSequence,
  KAFKA_ERROR.recordTooLarge,
]
const FORBIDDEN: readonly number[] = [
  KAFKA_ERROR.transactionalIdAuthorizationFailed,
  KAFKA_ERROR.topicAuthorizationFailed,
  KAFKA_ERROR.clusterAuthorizationFailed,
]

export class TransactionalProducer {
  readonly #options: TransactionalProducerOptions
  readonly #lanes = new Map<number, Lane>()
  #queued = 0
  #closed = false

  constructor(options: TransactionalProducerOptions) {
    this.#options = options
  }

  /** Offsets of the records, once they can be read. Records of one partition that fit a batch are appended together or not at all. */
  async append(records: readonly AppendRecord[]): Promise<readonly number[]> {
    const { topic, queueBytesMax } = this.#options
    if (this.#closed) throw closed(topic)
    const pieces = piecesOf(topic, records)
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0)
    if (this.#queued > 0 && this.#queued + bytes > queueBytesMax)
      throw new RetryableFailure(
        'overloaded',
        `${this.#queued} bytes wait for their transaction, at most ${queueBytesMax} may; nothing was appended`,
      )
    this.#queued += bytes
    try {
      return offsetsOf(pieces, await Promise.all(pieces.map((piece) => this.#inTurn(piece))))
    } finally {
      this.#queued -= bytes
    }
  }

  /** What is on its way may still be committed; its appends are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled([...this.#lanes.values()].map(({ last }) => last))
  }

  #inTurn(piece: Piece): Promise<number> {
    const lane = this.#laneOf(piece.partition)
    const done = lane.last.then(() => this.#publish(lane, piece))
    lane.last = done.catch(() => {})
    return done
  }

  #laneOf(partition: number): Lane {
    const known = this.#lanes.get(partition)
    if (known !== undefined) return known
    const { cluster, topic } = this.#options
    const transactionalId = `${topic}-${partition}`
    const slot = String(partition % CONNECTIONS)
    const coordinator = new TransactionCoordinator(cluster, transactionalId, slot)
    const lane: Lane = { partition, slot, transactionalId, coordinator, standing: { kind: 'none' }, last: Promise.resolve() }
    this.#lanes.set(partition, lane)
    return lane
  }

  /** Tries until the piece is readable. Rejects where no retry can help, or this log is closed. */
  async #publish(lane: Lane, { records }: Piece): Promise<number> {
    const claims = records.some(({ value }) => peekDecision(value).kind === 'claim')
    if (claims) lane.standing = { kind: 'none' }
    for (;;) {
      if (lane.standing.kind === 'fenced' && claims) lane.standing = { kind: 'none' }
      if (lane.standing.kind === 'fenced') return (await this.#options.appendPlainly(records))[0] as number
      const base = await this.#transact(lane, records)
      if (base !== undefined) {
        this.#options.appended(lane.partition, base + records.length)
        return base
      }
      if (this.#closed) throw closed(this.#options.topic)
      await delay(RETRY_MS)
    }
  }

  /** One transaction; undefined where it came to nothing, and the lane's standing says how to go on. */
  async #transact(lane: Lane, records: readonly AppendRecord[]): Promise<number | undefined> {
    const { partition, coordinator } = lane
    const { topic } = this.#options
    if (lane.standing.kind !== 'own') {
      const begun = await this.#answer(lane, () => coordinator.begin())
      if (begun.value === undefined) return this.#part(lane, begun.code)
      lane.standing = { kind: 'own', identity: begun.value, sequence: 0 }
    }
    const { standing } = lane
    const added = await this.#answer(lane, () => coordinator.add(standing.identity, topic, partition))
    if (added.code !== 0) return this.#part(lane, added.code)
    const produced = await this.#answer(lane, (stale) => this.#produce(lane, standing, records, stale))
    if (produced.value === undefined) return this.#part(lane, produced.code)
    const base = produced.value
    const ended = await this.#answer(lane, () => coordinator.commit(standing.identity))
    if (ended.code === 0) {
      standing.sequence += records.length
      return base
    }
    this.#part(lane, ended.code)
    // An earlier answer may have been lost, and the transaction committed.
    const held = await this.#answer(lane, () => this.#options.holds(partition, base))
    return held.value === true ? base : undefined
  }

  async #produce(lane: Lane, standing: Standing & { kind: 'own' }, records: readonly AppendRecord[], stale: boolean): Promise<number> {
    const { cluster, topic } = this.#options
    const { partition, slot, transactionalId } = lane
    const sender = { ...standing.identity, sequence: standing.sequence, transactional: true }
    const bytes = encodeBatch(records, sender, Date.now())
    const { errorCode, baseOffset } = await produceWithin(transactionalId, cluster, { topic, partition, bytes }, { stale, slot })
    if (errorCode === 0 || (errorCode === KAFKA_ERROR.duplicateSequence && baseOffset >= 0)) return baseOffset
    throw Object.assign(new Error(`${topic}[${partition}] answered with Kafka error ${errorCode}`), { apiCode: errorCode })
  }

  /** Notes what an error means for the lane. */
  #part(lane: Lane, code: number): undefined {
    const { topic, logger } = this.#options
    const { partition } = lane
    if (code === KAFKA_ERROR.recordTooLarge) {
      lane.standing = { kind: 'none' }
      throw new RetryableFailure(
        'record-too-large',
        `${topic}[${partition}] refuses a batch as too large: raise max.message.bytes of the topic`,
      )
    }
    lane.standing = { kind: FENCED.includes(code) ? 'fenced' : 'none' }
    logger.warn({ topic, partition, code, standing: lane.standing.kind }, 'a transaction came to nothing')
  }

  /** Asks until there is an answer that asking again does not change: what is asked has the same effect however often. */
  async #answer<Value>(lane: Lane, ask: (stale: boolean) => Promise<Value>): Promise<Answer<Value>> {
    const place = `${this.#options.topic}[${lane.partition}]`
    for (let attempt = 0; ; attempt++) {
      try {
        return { code: 0, value: await ask(attempt > 0) }
      } catch (error) {
        const code = errorCodeOf(error)
        if (FENCED.includes(code) || SPOILT.includes(code)) return { code }
        if (FORBIDDEN.includes(code) || code === KAFKA_ERROR.invalidTransactionTimeout) throw refusal(code, lane, place)
        const failure = explained(error, `a transaction on ${place}`)
        if (failure instanceof TerminalFailure) throw failure
        if (this.#closed)
          throw new RetryableFailure(
            'unreachable',
            `${failure.message}; closed, and whether the records were appended is not known`,
            failure,
          )
        const concurrent = code === KAFKA_ERROR.concurrentTransactions
        if (attempt === 1 && !concurrent)
          this.#options.logger.warn({ place, reason: failure.message }, 'a transaction is not acknowledged; trying again')
        await delay(
          concurrent ? Math.min(CONCURRENT_MS * 2 ** attempt, CONCURRENT_MS_MAX) : Math.min(RETRY_MS * 2 ** attempt, RETRY_MS_MAX),
        )
      }
    }
  }
}

const closed = (topic: string): RetryableFailure => new RetryableFailure('closed', `${topic} is closed: nothing was appended`)

const refusal = (code: number, { transactionalId }: Lane, place: string): TerminalFailure =>
  code === KAFKA_ERROR.invalidTransactionTimeout
    ? new TerminalFailure(
        'settings',
        `${place}: the brokers allow no transaction of three minutes. Raise transaction.max.timeout.ms, or set log.kafka.transactionalDecisions to false.`,
      )
    : new TerminalFailure(
        'forbidden',
        `${place}: Kafka's access list forbids this user to append, or to use the transactional id ${transactionalId}. Grant WRITE on both with kafka-acls, or set log.kafka.transactionalDecisions to false.`,
      )
