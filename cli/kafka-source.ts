/** The logs on Kafka as another process of the same installation reads them: settings that travel as arguments. */
import { Value } from 'typebox/value'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { type KafkaSettings, KafkaSettingsSchema } from '#streams/kafka/settings.ts'
import type { Logger } from '#streams/logger.ts'
import type { EventLog } from '#streams/ports.ts'

/** Readers of the warehouse are few and go straight ahead. */
const READ_BYTES_MAX = 16 * 1024 * 1024

export interface KafkaSource {
  readonly settings: KafkaSettings
  readonly partitions: number
}

/** Words for the command line; secrets are named by file, never held. */
export const kafkaArguments = ({ settings, partitions }: KafkaSource): readonly string[] => [
  '--kafka',
  JSON.stringify({ settings, partitions }),
]

export const parseKafkaSource = (text: string): KafkaSource => {
  const { settings, partitions } = JSON.parse(text) as { settings: unknown; partitions: unknown }
  return { settings: Value.Parse(KafkaSettingsSchema, settings), partitions: Number(partitions) }
}

export const openKafkaSource = (source: KafkaSource, logger: Logger): Promise<EventLog> =>
  openKafkaLog({ ...source, logger, readBytesMax: READ_BYTES_MAX })
