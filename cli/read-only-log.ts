/** The logs of an installation, opened for reading beside whatever engine runs: in the data directory, or on Kafka. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { notedTopicIds } from '#streams/kafka/noted-topics.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import type { EventLog, Topic } from '#streams/ports.ts'
import type { Config } from './config.ts'
import { CommandError, EXIT } from './exit.ts'
import { createLogger } from './logger.ts'

const MEBI = 1024 * 1024

export const openLogs = (config: Config): Promise<EventLog> =>
  config.log.kind === 'kafka'
    ? openTopicsReadOnly({ dataDir: config.dataDir, settings: config.log.kafka, partitions: config.log.partitions })
    : Promise.resolve(openInDirectory(config.dataDir))

const openInDirectory = (dataDir: string): EventLog => {
  if (!existsSync(dataDir))
    throw new CommandError(
      'no-data',
      `there is no data directory ${dataDir}; name one with --data-dir or SCORESTREAM_DATA_DIR`,
      EXIT.noInput,
    )
  const { partitions } = readFormat(dataDir)
  const folder = join(dataDir, 'log')
  // What linked entities were told: a directory of an earlier release has no such topic.
  const linked: readonly Topic[] = existsSync(join(folder, 'linked-entities')) ? ['linked-entities'] : []
  return openReadOnly({
    folder,
    partitions: topicPartitions(partitions),
    topics: ['credit-events', 'decisions', 'dead-letters', ...linked],
  })
}

/** Topics read from their earliest records to where they end now. */
export interface TopicsToRead {
  /** Where the ids of the topics are noted. */
  readonly dataDir: string
  readonly settings: KafkaSettings
  readonly partitions: number
  /** What a read does while the schema registry is away; by default it throws. */
  readonly registryAway?: 'throws' | 'waits'
}

/** Whoever only reads makes no topics. Clients of servers are loaded where they are used. */
export const openTopicsReadOnly = async ({ dataDir, settings, partitions, registryAway = 'throws' }: TopicsToRead): Promise<EventLog> => {
  const { openKafkaLog } = await import('#streams/kafka/event-log.ts')
  return openKafkaLog({
    settings: { ...settings, createTopics: false },
    partitions,
    expectedTopicIds: notedTopicIds(dataDir, settings),
    logger: createLogger('warn'),
    registryAway,
    readBytesMax: 16 * MEBI,
  })
}
