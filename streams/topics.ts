/** The topics of an installation, on whatever log. */
import type { Topic } from './ports.ts'

export const TOPICS: readonly Topic[] = [
  'credit-events',
  'decisions',
  'revisions',
  'dead-letters',
  'alerts',
  'model-events',
  'linked-entities',
]
/** Topics that follow the input's partitions have as many; these are small and totally ordered. */
const SINGLE: ReadonlySet<Topic> = new Set(['alerts', 'model-events'])

/** `partitions` is the input's. */
export const partitionsOf = (topic: Topic, partitions: number): number => (SINGLE.has(topic) ? 1 : partitions)
