/** What `doctor` asks of Kafka before the engine needs it: reachable, new enough, topics as they must be, rights, retention. */
import { refusedSchemas } from '#schemas/register-events.ts'
import { SchemaRegistry } from '#schemas/registry-client.ts'
import type { Topic } from '../ports.ts'
import { partitionsOf, TOPICS } from '../topics.ts'
import { explained, KafkaCluster } from './cluster.ts'
import { CONSUMER_PROTOCOL_MISSING, hasConsumerProtocol } from './group-protocol.ts'
import { type KafkaSettings, registryOptions } from './settings.ts'
import { describeTopic, replacement, type TopicIds, topicName } from './topics.ts'

export interface KafkaFinding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failure'
  readonly detail: string
}

export interface LogNeeded {
  readonly ms: number
  /** Such as `state.checkpointMinutes = 5`. */
  readonly because: string
}

export interface KafkaCheckFacts {
  /** Of the input topic, as the engine is configured. */
  readonly partitions: number
  /** How long input and decisions must be kept, and the settings that ask for it; absent where there are no checkpoints. */
  readonly logNeeded?: LogNeeded
  /** Noted beside the states. */
  readonly expectedTopicIds?: TopicIds
}

const ok = (check: string, detail: string): KafkaFinding => ({ check, state: 'ok', detail })
const warning = (check: string, detail: string): KafkaFinding => ({ check, state: 'warning', detail })
const failure = (check: string, detail: string): KafkaFinding => ({ check, state: 'failure', detail })

const HOUR_MS = 3_600_000
/** Fetch 13 (by topic id) came with 3.1, JoinGroup 9 with 3.2; 3.5 is the oldest that is tested for. */
const NEEDED = [
  { api: 'Fetch', version: 13 },
  { api: 'Produce', version: 9 },
  { api: 'ListOffsets', version: 7 },
  { api: 'JoinGroup', version: 9 },
] as const
/** States are rebuilt from these two: events are folded again, decisions adopted. */
const TRUTH: readonly Topic[] = ['credit-events', 'decisions']
/** A dead letter holds an event of up to 1 MiB and its reasons. */
const MESSAGE_BYTES_MIN = 1_200_000

/** Findings in the order of asking; after the first that nothing can follow, no more. Never throws. */
export const kafkaChecks = async (settings: KafkaSettings, facts: KafkaCheckFacts): Promise<readonly KafkaFinding[]> => {
  let cluster: KafkaCluster
  try {
    cluster = new KafkaCluster(settings)
  } catch (error) {
    return [failure('kafka settings', (error as Error).message)]
  }
  try {
    const reached = await attempt('kafka', () => brokers(cluster))
    if (reached.some(({ state }) => state === 'failure')) return reached
    const topics = await Promise.all(
      TOPICS.map((topic) => {
        const name = topicName(topic, settings)
        return attempt(`topic ${name}`, () => checkTopic(cluster, topic, facts))
      }),
    )
    const group = await attempt(`group ${settings.group.id}`, () => checkGroup(cluster))
    return [...reached, ...topics.flat(), ...group, ...(await attempt('schema registry', () => checkRegistry(settings)))]
  } finally {
    await cluster.close()
  }
}

const attempt = async (check: string, ask: () => Promise<readonly KafkaFinding[]>): Promise<readonly KafkaFinding[]> => {
  try {
    return await ask()
  } catch (error) {
    return [failure(check, explained(error, check).message)]
  }
}

const brokers = async (cluster: KafkaCluster): Promise<readonly KafkaFinding[]> => {
  const { settings } = cluster
  const { brokers: found, id } = await cluster.topics([], true)
  const old: string[] = []
  for (const { api, version } of NEEDED) if ((await cluster.versionOf(api)) < version) old.push(`${api} ${version}`)
  const modern = await hasConsumerProtocol(cluster)
  const out = [ok('kafka', `${found.size} brokers of cluster ${id}, by ${settings.brokers.join(', ')}`)]
  if (old.length > 0) out.push(failure('kafka version', `the brokers lack ${old.join(', ')}: Kafka 3.5 or later is needed`))
  else out.push(ok('kafka version', modern ? 'offers the consumer group protocol of Kafka 4' : 'offers the classic group protocol only'))
  if (settings.group.protocol === 'consumer' && !modern) out.push(failure('kafka group protocol', CONSUMER_PROTOCOL_MISSING))
  if (settings.sasl.mechanism === 'PLAIN' && !settings.tls.enabled)
    out.push(warning('kafka login', 'PLAIN without TLS sends the password in the clear: set kafka.tls.enabled, or use SCRAM'))
  return out
}

const checkTopic = async (cluster: KafkaCluster, topic: Topic, facts: KafkaCheckFacts): Promise<readonly KafkaFinding[]> => {
  const name = topicName(topic, cluster.settings)
  const partitions = partitionsOf(topic, facts.partitions)
  const check = `topic ${name}`
  const found = await cluster.topic(name)
  const replaced = replacement(name, found?.id, facts.expectedTopicIds?.[topic])
  if (replaced !== undefined) return [failure(check, replaced)]
  if (found === undefined)
    return [
      cluster.settings.createTopics
        ? ok(check, `will be created with ${partitions} partitions`)
        : failure(check, `does not exist, and log.kafka.createTopics is false: create it with ${partitions} partitions`),
    ]
  const out: KafkaFinding[] = []
  if (found.partitionsCount !== partitions)
    out.push(
      failure(
        check,
        `has ${found.partitionsCount} partitions, the configuration says ${partitions}: keys would move to other partitions than their states`,
      ),
    )
  const leaderless = found.partitions.filter(({ leader }) => leader < 0).length
  if (leaderless > 0) out.push(failure(check, `${leaderless} partitions have no leader: brokers are down`))
  const configuration = await describeTopic(cluster, name)
  if (configuration.size === 0) out.push(warning(check, 'this user may not see its settings: grant DESCRIBE_CONFIGS to have them checked'))
  else out.push(...judgeConfiguration(check, configuration, found.partitions[0]?.replicas.length ?? 0, topic, facts))
  return out.length > 0
    ? out
    : [ok(check, `${partitions} partitions, ${found.partitions[0]?.replicas.length ?? 0} replicas, id ${found.id}`)]
}

/** Pure: what is wrong with a topic's settings. */
export const judgeConfiguration = (
  check: string,
  configuration: ReadonlyMap<string, string>,
  replicas: number,
  topic: Topic,
  { logNeeded }: Pick<KafkaCheckFacts, 'logNeeded'>,
): readonly KafkaFinding[] => {
  const out: KafkaFinding[] = []
  const number = (key: string): number => Number(configuration.get(key))
  if (topic === 'credit-events' && configuration.get('message.timestamp.type') !== 'LogAppendTime')
    out.push(
      failure(
        check,
        `message.timestamp.type is ${configuration.get('message.timestamp.type') ?? 'unknown'}: times set by producers cannot be replayed; set LogAppendTime`,
      ),
    )
  if (configuration.get('cleanup.policy')?.includes('compact') === true)
    out.push(failure(check, 'cleanup.policy compacts: records that are needed would be removed; set delete'))
  if (configuration.get('unclean.leader.election.enable') === 'true')
    out.push(
      warning(check, 'unclean.leader.election.enable is on: a broker that lags may become leader, and acknowledged records are lost'),
    )
  if (replicas > 1 && number('min.insync.replicas') < 2)
    out.push(
      warning(
        check,
        `min.insync.replicas is ${number('min.insync.replicas')} of ${replicas}: one broker's death can lose acknowledged records; set 2`,
      ),
    )
  if (replicas === 1) out.push(warning(check, 'has one replica: its broker’s disk is the only copy'))
  if (number('min.insync.replicas') > replicas)
    out.push(
      failure(
        check,
        `min.insync.replicas is ${number('min.insync.replicas')}, more than its ${replicas} replicas: nothing can be appended`,
      ),
    )
  if (number('max.message.bytes') < MESSAGE_BYTES_MIN)
    out.push(
      warning(check, `max.message.bytes is ${number('max.message.bytes')}; an event may have 1 MiB, so set at least ${MESSAGE_BYTES_MIN}`),
    )
  out.push(...judgeRetention(check, number('retention.ms'), number('retention.bytes'), TRUTH.includes(topic), logNeeded))
  return out
}

const judgeRetention = (
  check: string,
  retentionMs: number,
  retentionBytes: number,
  isTruth: boolean,
  needed: LogNeeded | undefined,
): readonly KafkaFinding[] => {
  if (retentionBytes >= 0)
    return [
      failure(
        check,
        `retention.bytes is ${retentionBytes}: records are removed by size, whatever still needs them; set -1 and bound by time`,
      ),
    ]
  if (retentionMs < 0 || !isTruth) return []
  const hours = (milliseconds: number): string => `${(milliseconds / HOUR_MS).toFixed(1)} h`
  if (needed === undefined)
    return [warning(check, `retention.ms keeps ${hours(retentionMs)} and there is no checkpoint: states could not be rebuilt beyond that`)]
  return retentionMs < needed.ms
    ? [
        failure(
          check,
          `retention.ms keeps ${hours(retentionMs)}, and ${needed.because} needs ${hours(needed.ms)} to rebuild states from the oldest checkpoint: set retention.ms to at least ${needed.ms}, or checkpoint more often`,
        ),
      ]
    : []
}

/** Asking who keeps the group needs the right to use it. */
const checkGroup = async (cluster: KafkaCluster): Promise<readonly KafkaFinding[]> => {
  const { id } = cluster.settings.group
  const [found] = await cluster.admin.findCoordinator({ keyType: 0, keys: [id] })
  return [ok(`group ${id}`, `kept by broker ${found?.nodeId ?? 'none'}`)]
}

/** Nothing where there is none. Every kind is asked for, for each is a subject with a level of compatibility of its own. */
const checkRegistry = async (settings: KafkaSettings): Promise<readonly KafkaFinding[]> => {
  const options = registryOptions(settings)
  if (options === undefined) return []
  const refused = await refusedSchemas(new SchemaRegistry(options), topicName('credit-events', settings))
  const login =
    options.username !== undefined && options.url.startsWith('http:')
      ? [warning('schema registry login', 'http sends the password in the clear: use https')]
      : []
  return refused.length > 0
    ? refused.map((reason) => failure('schema registry', reason))
    : [ok('schema registry', `${options.url} takes the schemas of this build`), ...login]
}
