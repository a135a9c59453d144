/** Whether brokers have the group protocol of Kafka 4 (KIP-848), and what to say where it is asked for and they have not. */
import type { KafkaCluster } from './cluster.ts'

/** Kafka 4.0 brought version 1 of the heartbeat; before it the protocol was a preview. */
export const hasConsumerProtocol = async (cluster: KafkaCluster): Promise<boolean> =>
  (await cluster.versionOf('ConsumerGroupHeartbeat')) >= 1

export const CONSUMER_PROTOCOL_MISSING = 'kafka.group.protocol is "consumer", which brokers have from 4.0 on: set it to "auto" or "classic"'
