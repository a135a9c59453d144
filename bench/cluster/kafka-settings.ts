/** Our Kafka settings for one broker and one name space of topics. */
import { Value } from 'typebox/value'
import { type KafkaSettings, KafkaSettingsSchema } from '#streams/kafka/settings.ts'

export const kafkaSettings = (broker: string, topicPrefix: string): KafkaSettings =>
  Value.Default(KafkaSettingsSchema, { brokers: [broker], topicPrefix, replicas: 1, minInsyncReplicas: 1 }) as KafkaSettings
