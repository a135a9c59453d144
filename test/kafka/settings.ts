/** Settings for a test's own corner of the run's broker. */
import { randomUUID } from 'node:crypto'
import { Value } from 'typebox/value'
import { type KafkaSettings, KafkaSettingsSchema } from '#streams/kafka/settings.ts'

export const testSettings = (brokers: readonly string[], changes: object = {}): KafkaSettings =>
  Value.Default(KafkaSettingsSchema, {
    brokers,
    topicPrefix: `t${randomUUID().slice(0, 8)}.`,
    replicas: 1,
    minInsyncReplicas: 1,
    ...changes,
  }) as KafkaSettings
