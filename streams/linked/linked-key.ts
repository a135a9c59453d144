/** Names and places of linked entities: key of the topic and of the state store, and the partition its updates lie in. */
import type { LinkedEntity } from '#features/language/kinds.ts'
import { partitionOf } from '../murmur2.ts'

/** Identifiers are ASCII without spaces; the colon keeps entities of different kinds, and the store's own fields, apart. */
export const linkedKey = (entity: LinkedEntity, id: string): string => `${entity}:${id}`

export const linkedPartition = (key: string, partitions: number): number => partitionOf(Buffer.from(key, 'latin1'), partitions)
