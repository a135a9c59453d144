/** The topics of an installation: their names, how they must be set, and making those that are missing. */
import { TerminalFailure } from '../failure.ts'
import type { Topic } from '../ports.ts'
import { partitionsOf, TOPICS } from '../topics.ts'
import { explained, hasError, type KafkaCluster } from './cluster.ts'
import type { KafkaSettings } from './settings.ts'

const DAY_MS = 86_400_000
/** A dead letter holds an event of up to 1 MiB with its reasons; a decision a few KB. */
const MESSAGE_BYTES_MAX = 2_097_152

export const topicName = (topic: Topic, settings: Pick<KafkaSettings, 'topicPrefix'>): string => settings.topicPrefix + topic

/** What a topic that is made here is given. The engine's clock is the append time, so the broker must set it. */
export const topicConfiguration = (settings: KafkaSettings): Readonly<Record<string, string>> => ({
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
  'retention.ms': settings.retentionDays === null ? '-1' : `${settings.retentionDays * DAY_MS}`,
  'retention.bytes': '-1',
  'min.insync.replicas': `${Math.min(settings.minInsyncReplicas, settings.replicas)}`,
  'max.message.bytes': `${MESSAGE_BYTES_MAX}`,
  'unclean.leader.election.enable': 'false',
})

export interface FoundTopic {
  readonly topic: Topic
  readonly name: string
  readonly id: string
  readonly partitions: number
}

export type TopicIds = Readonly<Partial<Record<Topic, string>>>

/**
 * Every topic with its id; makes what is missing where the settings allow it, save what is expected to be there. Throws on another count of
 * partitions, and on a topic that is not the expected one.
 */
export const openTopics = async (
  cluster: KafkaCluster,
  partitions: number,
  expected: TopicIds = {},
): Promise<ReadonlyMap<Topic, FoundTopic>> => {
  const found = await Promise.all(TOPICS.map((topic) => openTopic(cluster, topic, partitionsOf(topic, partitions), expected[topic])))
  await refuseProducerTimes(cluster)
  return new Map(found.map((one) => [one.topic, one]))
}

const BEGIN_ANEW =
  'Restore the topic with its records; or begin anew, with another data directory and another state.redis.prefix, or with empty ones.'

/** What offsets count in is gone, whether or not a topic of that name stands there now. */
export const replacement = (name: string, found: string | undefined, expected: string | undefined): string | undefined => {
  if (expected === undefined || found === expected) return undefined
  const became = found === undefined ? 'is gone' : `has id ${found}: it was deleted and made anew, so that offsets mean other records`
  return `topic ${name}, whose id was ${expected} when states, decisions and tables were derived from it, ${became}. ${BEGIN_ANEW}`
}

const openTopic = async (cluster: KafkaCluster, topic: Topic, wanted: number, expected: string | undefined): Promise<FoundTopic> => {
  const name = topicName(topic, cluster.settings)
  const there = await cluster.topic(name)
  const replaced = replacement(name, there?.id, expected)
  if (replaced !== undefined) throw new TerminalFailure('topic-replaced', replaced)
  const facts = there ?? (await make(cluster, name, wanted))
  if (facts.partitionsCount !== wanted)
    throw new TerminalFailure(
      'partitions-changed',
      `topic ${name} has ${facts.partitionsCount} partitions, the configuration says ${wanted}: keys would move to other partitions than their states. Set log.partitions to ${facts.partitionsCount}, or migrate to topics of another prefix (log.kafka.topicPrefix) that have ${wanted}.`,
    )
  return { topic, name, id: facts.id, partitions: wanted }
}

const make = async (cluster: KafkaCluster, name: string, partitions: number) => {
  const { settings } = cluster
  if (!settings.createTopics)
    throw new TerminalFailure(
      'topic-missing',
      `topic ${name} does not exist, and log.kafka.createTopics is false. Create it with ${partitions} partitions and ${Object.entries(
        topicConfiguration(settings),
      )
        .map(([key, value]) => `${key}=${value}`)
        .join(', ')}.`,
    )
  const configs = Object.entries(topicConfiguration(settings)).map(([key, value]) => ({ name: key, value }))
  try {
    await cluster.admin.createTopics({ topics: [name], partitions, replicas: settings.replicas, configs })
  } catch (error) {
    // Another process was faster.
    if (!hasError(error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw creationFailure(error, name, settings)
  }
  for (let attempt = 0; attempt < 50; attempt++) {
    const facts = await cluster.topic(name)
    if (facts !== undefined && facts.partitionsCount > 0 && facts.partitions.every(({ leader }) => leader >= 0)) return facts
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new TerminalFailure(
    'topic-missing',
    `topic ${name} was created, but its partitions have no leader after 5 s: are enough brokers alive?`,
  )
}

const creationFailure = (error: unknown, name: string, settings: KafkaSettings): Error =>
  !hasError(error, 'apiId', 'INVALID_REPLICATION_FACTOR')
    ? explained(error, `creating topic ${name}`)
    : new TerminalFailure(
        'topic-missing',
        `topic ${name} cannot have ${settings.replicas} replicas: there are fewer brokers. Set kafka.replicas (and kafka.minInsyncReplicas) to what the cluster has.`,
        error,
      )

/** Replay needs a time that is the same for all readers and never goes back: the broker's, not the producer's. */
const refuseProducerTimes = async (cluster: KafkaCluster): Promise<void> => {
  const name = topicName('credit-events', cluster.settings)
  const type = (await describeTopic(cluster, name)).get('message.timestamp.type')
  if (type !== undefined && type !== 'LogAppendTime')
    throw new TerminalFailure(
      'topic-unsuitable',
      `topic ${name} has message.timestamp.type=${type}: times set by producers cannot be replayed. Run: kafka-configs --alter --topic ${name} --add-config message.timestamp.type=LogAppendTime`,
    )
}

const TOPIC_RESOURCE = 2

/** A topic's settings; empty where this user may not see them. */
export const describeTopic = async (cluster: KafkaCluster, name: string): Promise<ReadonlyMap<string, string>> => {
  try {
    const [found] = await cluster.admin.describeConfigs({
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null }],
    })
    return new Map(found?.configs.map(({ name: key, value }) => [key, value ?? '']))
  } catch (error) {
    if (hasError(error, 'apiId', 'TOPIC_AUTHORIZATION_FAILED')) return new Map()
    throw explained(error, `asking for the settings of ${name}`)
  }
}
