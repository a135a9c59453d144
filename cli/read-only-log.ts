/** The logs of a data directory, opened for reading beside whatever engine runs on it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { type EventLogFollower, openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { CommandError, EXIT } from './exit.ts'

export const openLogs = (dataDir: string): EventLogFollower => {
  if (!existsSync(dataDir))
    throw new CommandError(
      'no-data',
      `there is no data directory ${dataDir}; name one with --data-dir or SCORESTREAM_DATA_DIR`,
      EXIT.noInput,
    )
  const { partitions } = readFormat(dataDir)
  return openReadOnly({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(partitions),
    topics: ['credit-events', 'decisions', 'dead-letters'],
  })
}
