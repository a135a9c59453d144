/** What one transactional id asks of the broker that keeps its transactions. Each request rejects with the broker's error. */
import { addPartitionsToTxnV3, type Connection, endTxnV3, findCoordinatorV4, initProducerIdV4 } from '@platformatic/kafka'
import { errorCodeOf, KAFKA_ERROR, type KafkaCluster } from './cluster.ts'

const TRANSACTION_KEY = 1
/**
 * After so long a broker aborts a transaction by itself. A successor aborts it at once, by its claim; this is for partitions that get none. Longer than
 * a process that lives may need, since what a broker aborted is published again.
 */
const TIMEOUT_MS = 180_000

export interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export class TransactionCoordinator {
  readonly #cluster: KafkaCluster
  readonly #id: string
  /** Tells connections apart: a broker answers the requests of one in order. */
  readonly #slot: string
  #node: number | undefined

  constructor(cluster: KafkaCluster, id: string, slot: string) {
    this.#cluster = cluster
    this.#id = id
    this.#slot = slot
  }

  /** Becomes the one that may use the id: who had it before is fenced, and what it had under way is aborted or, where that was decided, committed. */
  async begin(): Promise<Identity> {
    const { producerId, producerEpoch } = await this.#ask((connection) => initProducerIdV4.api.async(connection, this.#id, TIMEOUT_MS))
    return { producerId, producerEpoch }
  }

  async add({ producerId, producerEpoch }: Identity, topic: string, partition: number): Promise<void> {
    const topics = [{ name: topic, partitions: [partition] }]
    const transaction = { transactionalId: this.#id, producerId, producerEpoch, verifyOnly: false, topics }
    await this.#ask((connection) => addPartitionsToTxnV3.api.async(connection, [transaction]))
  }

  async commit({ producerId, producerEpoch }: Identity): Promise<void> {
    await this.#ask((connection) => endTxnV3.api.async(connection, this.#id, producerId, producerEpoch, true))
  }

  async #ask<Answer>(request: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    this.#node ??= await this.#find()
    try {
      return await request(await this.#cluster.connection(this.#node, 'transaction', this.#slot))
    } catch (error) {
      // It may have moved: the next request looks for it anew.
      if (errorCodeOf(error) !== KAFKA_ERROR.concurrentTransactions) this.#node = undefined
      throw error
    }
  }

  async #find(): Promise<number> {
    const { brokers } = await this.#cluster.topics([])
    const anyone = await this.#cluster.connection(brokers.keys().next().value as number, 'transaction', this.#slot)
    const [found] = (await findCoordinatorV4.api.async(anyone, TRANSACTION_KEY, [this.#id])).coordinators
    if (found === undefined || found.errorCode !== 0) throw new Error(`no broker keeps the transactions of ${this.#id} now`)
    await this.#cluster.topics([], !brokers.has(found.nodeId))
    return found.nodeId
  }
}
