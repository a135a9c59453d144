/**
 * What a data directory was derived from, noted beside it: offsets mean nothing without the topic they count in, and ids of schemas nothing
 * without whoever gave them.
 */
import { join } from 'node:path'
import { readCheckpoint, writeCheckpoint } from '../embedded/json-checkpoint.ts'
import { TerminalFailure } from '../failure.ts'
import type { KafkaSettings } from './settings.ts'
import type { TopicIds } from './topics.ts'

interface NotedTopics {
  readonly version: 1
  readonly topicIds: TopicIds
  /** Who gives the schema ids of events. */
  readonly schemaIds: 'catalogue' | 'registry'
}

const pathOf = (folder: string): string => join(folder, 'topics.json')
const schemaIdsOf = ({ registry }: KafkaSettings): NotedTopics['schemaIds'] => (registry.url === undefined ? 'catalogue' : 'registry')

/** Ids noted in a folder; none where nothing is. Throws where schema ids were another's then: the same numbers would mean other schemas. */
export const notedTopicIds = (folder: string, settings: KafkaSettings): TopicIds => {
  const noted = readCheckpoint<NotedTopics>(pathOf(folder), 1)
  if (noted === undefined) return {}
  const now = schemaIdsOf(settings)
  if (noted.schemaIds !== now)
    throw new TerminalFailure(
      'settings',
      `${pathOf(folder)} says that schema ids in these topics are ${SAID[noted.schemaIds]}; log.kafka.registry.url ${now === 'registry' ? 'is set' : 'is not set'}, so that they would be read as ${SAID[now]}. ${now === 'registry' ? 'Leave it out' : 'Set it'}, or begin anew with topics of another prefix (log.kafka.topicPrefix) and another data directory.`,
    )
  return noted.topicIds
}

const SAID: Readonly<Record<NotedTopics['schemaIds'], string>> = {
  catalogue: 'those of this program’s own catalogue',
  registry: 'a schema registry’s',
}

export const noteTopicIds = (folder: string, settings: KafkaSettings, topicIds: TopicIds): void => {
  const noted: NotedTopics = { version: 1, topicIds, schemaIds: schemaIdsOf(settings) }
  writeCheckpoint(pathOf(folder), noted)
}
