/** Whether brokers offer the group protocol of Kafka 4 (KIP-848), and what to say where it is asked for and they do not. */
import { consumerGroupDescribeV0 } from '@platformatic/kafka'
import { hasError, type KafkaCluster, KAFKA_ERROR } from './cluster.ts'

/**
 * Kafka 4.0 brought version 1 of the heartbeat; before it the protocol was a preview. Brokers of 4.0 and later know the request even while
 * the protocol is off, as it is after an upgrade whose features were not raised, so that they are asked. Throws where none answers.
 */
export const hasConsumerProtocol = async (cluster: KafkaCluster): Promise<boolean> => {
  if ((await cluster.versionOf('ConsumerGroupHeartbeat')) < 1) return false
  const { brokers } = await cluster.topics([])
  const failures: unknown[] = []
  for (const node of brokers.keys())
    try {
      return await isOnAt(cluster, node)
    } catch (error) {
      failures.push(error)
    }
  throw new AggregateError(failures, 'no broker told whether it offers the consumer group protocol')
}

/** Any answer will do, also that another broker keeps the group or that this user may not see it: what is off is refused before that. */
const isOnAt = async (cluster: KafkaCluster, node: number): Promise<boolean> => {
  try {
    await consumerGroupDescribeV0.api.async(await cluster.connection(node, 'group'), [cluster.settings.group.id], false)
    return true
  } catch (error) {
    if (hasError(error, 'apiCode', KAFKA_ERROR.unsupportedVersion)) return false
    if (hasError(error, 'code', 'PLT_KFK_RESPONSE')) return true
    throw error
  }
}

export const CONSUMER_PROTOCOL_MISSING =
  'kafka.group.protocol is "consumer", which these brokers do not offer: set it to "auto" or "classic". Kafka has it from 4.0 on, while its feature group.version is 1 and group.coordinator.rebalance.protocols does not leave it out'
