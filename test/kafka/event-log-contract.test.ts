import { expect, it } from 'vitest'
import { KafkaCluster } from '#streams/kafka/cluster.ts'
import { type KafkaEventLog, openKafkaLog } from '#streams/kafka/event-log.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import { silentLogger } from '#streams/logger.ts'
import type { EventLog } from '#streams/ports.ts'
import { TOPICS } from '#streams/topics.ts'
import { eventLogContract } from '../contract/event-log.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const server = await kafkaServer()

if (server.kind === 'absent') it.skip(`event log contract: Kafka (${server.reason})`, () => {})
else {
  const places = new Map<EventLog, KafkaSettings>()
  const open = async (settings: KafkaSettings): Promise<KafkaEventLog> => {
    const log = await openKafkaLog({ settings, partitions: 3, logger: silentLogger })
    places.set(log, settings)
    return log
  }
  eventLogContract({
    name: 'Kafka',
    create: () => open(testSettings(server.brokers)),
    reopen: async (log) => {
      await log.close()
      return open(places.get(log) as KafkaSettings)
    },
    destroy: async (log) => {
      await log.close()
      const settings = places.get(log) as KafkaSettings
      const cluster = new KafkaCluster(settings)
      const topics = (await cluster.admin.listTopics()).filter((name) => name.startsWith(settings.topicPrefix))
      await cluster.admin.deleteTopics({ topics })
      await cluster.close()
      expect(topics).toHaveLength(TOPICS.length)
    },
  })
}
