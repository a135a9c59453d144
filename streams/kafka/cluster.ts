/** The brokers, as one thing to ask: which they are, who leads which partition, and connections to them by purpose. */
import {
  Admin,
  type ClusterMetadata,
  type ClusterTopicMetadata,
  type Connection,
  ConnectionPool,
  type ConnectionOptions,
} from '@platformatic/kafka'
import { RetryableFailure, TerminalFailure } from '../failure.ts'
import { connectionOptions, type KafkaSettings } from './settings.ts'

/** Brokers answer on one connection in order: what waits long must not stand before what is urgent. */
export type Purpose = 'produce' | 'transaction' | 'tail' | 'bulk' | 'group' | 'ask'

/** Kafka's error codes this adapter decides upon (protocol guide, "Error Codes"). */
export const KAFKA_ERROR = {
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  recordTooLarge: 10,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  notCoordinator: 16,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  unsupportedVersion: 35,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTransactionState: 48,
  invalidProducerIdMapping: 49,
  invalidTransactionTimeout: 50,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  unknownProducerId: 59,
  memberIdRequired: 79,
  fencedInstanceId: 82,
  producerFenced: 90,
  unknownTopicId: 100,
  fencedMemberEpoch: 110,
  unreleasedInstanceId: 111,
  staleMemberEpoch: 113,
} as const

const RETRY_MS = 100

export class KafkaCluster {
  readonly settings: KafkaSettings
  readonly admin: Admin
  readonly #pools = new Map<string, ConnectionPool>()
  readonly #connection: ConnectionOptions
  #metadata: ClusterMetadata | undefined
  #closed = false

  constructor(settings: KafkaSettings) {
    this.settings = settings
    this.#connection = connectionOptions(settings)
    this.admin = new Admin({
      ...this.#connection,
      clientId: settings.clientId,
      bootstrapBrokers: settings.brokers,
      retries: 3,
      retryDelay: RETRY_MS,
      strict: false,
    })
    // The library reports connections that break here as well as to whoever asked; a listener keeps that from ending the process.
    this.admin.on('error', () => {})
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Who leads what, from memory unless `fresh`. */
  async topics(names: readonly string[], fresh = false): Promise<ClusterMetadata> {
    this.#metadata = await this.admin.metadata({ topics: [...names], forceUpdate: fresh })
    return this.#metadata
  }

  /** A topic's facts; undefined where it does not exist. */
  async topic(name: string): Promise<ClusterTopicMetadata | undefined> {
    try {
      this.#metadata = await this.admin.metadata({ topics: [name], forceUpdate: true, retries: 0 })
      return this.#metadata.topics.get(name)
    } catch (error) {
      // The library words a missing topic as a mistake of its caller.
      if (hasError(error, 'code', 'PLT_KFK_USER')) return undefined
      throw error
    }
  }

  /** `slot` tells apart several connections for the same purpose. */
  async connection(node: number, purpose: Purpose, slot = ''): Promise<Connection> {
    const broker = this.#metadata?.brokers.get(node)
    if (broker === undefined) throw new RetryableFailure('unreachable', `broker ${node} is not among those that are known now`)
    const name = `${purpose}${slot}`
    let pool = this.#pools.get(name)
    if (pool === undefined) {
      if (this.#closed) throw new RetryableFailure('closed', 'the connection to Kafka was closed')
      pool = new ConnectionPool(this.settings.clientId, this.#connection)
      pool.on('error', () => {})
      this.#pools.set(name, pool)
    }
    return pool.get(broker)
  }

  /** Newest version of a request that the brokers know; −1 where they do not know it. */
  async versionOf(api: string): Promise<number> {
    const apis = await this.admin.listApis()
    return apis.find(({ name }) => name === api)?.maxVersion ?? -1
  }

  async close(): Promise<void> {
    this.#closed = true
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.allSettled([...pools.map((pool) => pool.close()), this.admin.close()])
  }
}

/** Whether the error, or any that it came of, has this property: the library wraps what brokers say in what it was doing. */
export const hasError = (error: unknown, property: 'apiId' | 'apiCode' | 'code', value: unknown): boolean => {
  if (!(error instanceof Error)) return false
  if ((error as Error & { readonly [name: string]: unknown })[property] === value) return true
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return inner.some((one) => hasError(one, property, value)) || hasError(error.cause, property, value)
}

/** Which of Kafka's errors that are decided upon a request failed with; 0 where it was none of them. */
export const errorCodeOf = (error: unknown): number => Object.values(KAFKA_ERROR).find((code) => hasError(error, 'apiCode', code)) ?? 0

/** What a person can do about an error of Kafka's, by what is behind it. */
export const explained = (error: unknown, doing: string): Error => {
  const failure = error as Error
  if (failure instanceof TerminalFailure || failure instanceof RetryableFailure) return failure
  const has = (apiId: string): boolean => hasError(failure, 'apiId', apiId)
  if (has('TOPIC_AUTHORIZATION_FAILED') || has('GROUP_AUTHORIZATION_FAILED') || has('CLUSTER_AUTHORIZATION_FAILED'))
    return new TerminalFailure(
      'forbidden',
      `${doing}: Kafka's access list forbids it to this user. Grant it with kafka-acls, or change kafka.sasl.username.`,
      failure,
    )
  if (has('SASL_AUTHENTICATION_FAILED') || hasError(failure, 'code', 'PLT_KFK_AUTHENTICATION'))
    return new TerminalFailure(
      'forbidden',
      `${doing}: Kafka did not accept the login. Check kafka.sasl (mechanism, username, password).`,
      failure,
    )
  return new RetryableFailure('unreachable', `${doing}: ${deepest(failure)}`, failure)
}

const deepest = (error: Error): string => {
  const inner = error instanceof AggregateError ? (error.errors as Error[])[0] : error.cause instanceof Error ? error.cause : undefined
  return inner === undefined ? error.message : deepest(inner)
}
