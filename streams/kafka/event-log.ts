/** The event log on Kafka: a topic each, idempotent appends acknowledged by all in-sync replicas, positional reads ahead of their readers. */
import type { EventFormat } from '#schemas/event-format.ts'
import type { Logger } from '../logger.ts'
import type { AppendRecord, EventLog, LogRecord, Topic } from '../ports.ts'
import { partitionsOf, TOPICS } from '../topics.ts'
import { explained, KafkaCluster } from './cluster.ts'
import { type LearnPorts, learned, openEventFormat } from './event-format.ts'
import { IdempotentProducer } from './producer.ts'
import type { KafkaSettings } from './settings.ts'
import { TopicReader } from './topic-reader.ts'
import { TransactionalProducer } from './transactional-producer.ts'
import { type FoundTopic, openTopics, type TopicIds } from './topics.ts'

const MEBI = 1024 * 1024
const QUEUE_BYTES_MAX = 64 * MEBI

export interface KafkaLogOptions {
  readonly settings: KafkaSettings
  /** Of the input topic, and of those that follow it. */
  readonly partitions: number
  readonly logger: Logger
  /** Topic ids noted when the state began; another id means other records, and opening is refused. */
  readonly expectedTopicIds?: TopicIds
  /** Whether events are appended here: their schemas are then registered, where there is a registry. */
  readonly writesEvents?: boolean
  /** What a read does while the schema registry is away and a schema is not known: throws as retryable, which is the default, or waits. */
  readonly registryAway?: 'throws' | 'waits'
  /** Memory for records read ahead and kept behind, all topics together. */
  readonly readBytesMax?: number
  /** Memory for records that wait for their acknowledgement. */
  readonly queueBytesMax?: number
}

/** Connects, makes or checks the topics, and learns where they begin and end. */
export const openKafkaLog = async (options: KafkaLogOptions): Promise<KafkaEventLog> => {
  const cluster = new KafkaCluster(options.settings)
  try {
    const topics = await openTopics(cluster, options.partitions, options.expectedTopicIds)
    const format = await openEventFormat(options.settings, options.writesEvents === true)
    const log = new KafkaEventLog(options, cluster, topics, format)
    await Promise.all(TOPICS.map((topic) => log.refresh(topic, allPartitions(log.partitions(topic)))))
    return log
  } catch (error) {
    await cluster.close()
    throw explained(error, `opening the logs at ${options.settings.brokers.join(', ')}`)
  }
}

const allPartitions = (count: number): number[] => Array.from({ length: count }, (_, partition) => partition)

export class KafkaEventLog implements EventLog {
  readonly #options: KafkaLogOptions
  readonly #cluster: KafkaCluster
  readonly #topics: ReadonlyMap<Topic, FoundTopic>
  readonly #readers = new Map<Topic, TopicReader>()
  readonly #producer: IdempotentProducer
  /** Of the decisions, where they are published in transactions. */
  readonly #transactional: TransactionalProducer | undefined
  readonly #learning: LearnPorts
  readonly format: EventFormat

  constructor(options: KafkaLogOptions, cluster: KafkaCluster, topics: ReadonlyMap<Topic, FoundTopic>, format: EventFormat) {
    this.#options = options
    this.format = format
    const { logger, registryAway = 'throws' } = options
    this.#learning = { format, logger, registryAway, closed: () => cluster.closed }
    this.#cluster = cluster
    this.#topics = topics
    for (const [topic, { name, id, partitions }] of topics) {
      const windowBytes = windowBytesOf(options)
      this.#readers.set(topic, new TopicReader({ cluster, topic: name, topicId: id, partitions, windowBytes, logger: options.logger }))
    }
    const byName = new Map([...topics.values()].map(({ topic, name }) => [name, topic]))
    this.#producer = new IdempotentProducer({
      cluster,
      logger: options.logger,
      queueBytesMax: options.queueBytesMax ?? QUEUE_BYTES_MAX,
      appended: (name, partition, end) => this.#reader(byName.get(name) as Topic).appended(partition, end),
    })
    if (options.settings.transactionalDecisions) this.#transactional = this.#openTransactional()
  }

  #openTransactional(): TransactionalProducer {
    const topic = this.#name('decisions')
    const reader = this.#reader('decisions')
    const { logger, queueBytesMax = QUEUE_BYTES_MAX } = this.#options
    return new TransactionalProducer({
      cluster: this.#cluster,
      logger,
      topic,
      queueBytesMax,
      appended: (partition, end) => reader.appended(partition, end),
      holds: (partition, offset) => reader.holds(partition, offset),
      appendPlainly: (records) => this.#producer.append(topic, records),
    })
  }

  /** To be noted beside the states: offsets mean nothing without the topic they count in. */
  topicIds(): Readonly<Record<Topic, string>> {
    return Object.fromEntries([...this.#topics].map(([topic, { id }]) => [topic, id])) as Record<Topic, string>
  }

  partitions(topic: Topic): number {
    return partitionsOf(topic, this.#options.partitions)
  }

  start(topic: Topic): readonly number[] {
    return this.#reader(topic).starts()
  }

  end(topic: Topic): readonly number[] {
    return this.#reader(topic).ends()
  }

  append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly number[]> {
    if (topic === 'decisions' && this.#transactional !== undefined) return this.#transactional.append(records)
    return this.#producer.append(this.#name(topic), records)
  }

  async read(topic: Topic, partition: number, offset: number, bytesMax: number): Promise<readonly LogRecord[]> {
    const records = await this.#reader(topic).read(partition, offset, bytesMax)
    return topic === 'credit-events' ? learned(records, this.#learning) : records
  }

  refresh(topic: Topic, partitions: readonly number[]): Promise<void> {
    return this.#reader(topic).refresh(partitions)
  }

  onAppend(topic: Topic, listener: () => void): () => void {
    return this.#reader(topic).onAppend(listener)
  }

  /** Retention is Kafka's (retention.ms): what consumers release is not told to it; `kafkaChecks` compares the two. */
  release(): void {}

  async close(): Promise<void> {
    await this.#transactional?.close()
    await this.#producer.close()
    for (const reader of this.#readers.values()) reader.close()
    await this.#cluster.close()
  }

  #name(topic: Topic): string {
    return (this.#topics.get(topic) as FoundTopic).name
  }

  #reader(topic: Topic): TopicReader {
    const reader = this.#readers.get(topic)
    if (reader === undefined) throw new RangeError(`unknown topic "${topic}"; topics are ${TOPICS.join(', ')}`)
    return reader
  }
}

/** Two busy topics, each partition read at two places, as much ahead as behind. */
const windowBytesOf = ({ readBytesMax, partitions }: KafkaLogOptions): number =>
  Math.min(MEBI, Math.max(64 * 1024, Math.floor((readBytesMax ?? 96 * MEBI) / (8 * partitions))))
