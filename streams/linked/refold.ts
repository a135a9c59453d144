/** A linked entity as it was at a version: its partition of the topic folded again. */
import type { LinkedPart } from '#features/feature-set.ts'
import type { EventLog } from '../ports.ts'
import { foldUpdate, readUpdate, unknownEntity } from './fold-update.ts'
import { HighWaterMarks } from './high-water-marks.ts'
import { linkedKey } from './linked-key.ts'
import type { LinkedState } from './linked-record.ts'

const PAGE_BYTES = 4 * 1024 * 1024

export interface EntityAsked {
  readonly part: LinkedPart
  readonly id: string
  readonly partition: number
  /** Just after the newest update to include. */
  readonly version: number
}

/** Throws where the topic no longer holds what is needed. */
export const refoldLinked = async (log: EventLog, { part, id, partition, version }: EntityAsked): Promise<LinkedState> => {
  const key = linkedKey(part.entity, id)
  const entity = unknownEntity(part)
  const marks = new HighWaterMarks(log.partitions('credit-events'))
  const start = log.start('linked-entities')[partition] ?? 0
  if (start > 0 && version > 0)
    throw new Error(
      `linked-entities[${partition}] begins at ${start}, not at 0: retention deleted what ${key} was folded from. Restore older segments.`,
    )
  for (let next = 0; next < version;) {
    const records = await log.read('linked-entities', partition, next, PAGE_BYTES)
    if (records.length === 0) throw new Error(`linked-entities[${partition}] ends at ${next}, ${key} was read at version ${version}`)
    for (const record of records) {
      next = record.offset + 1
      if (record.offset >= version) break
      const update = readUpdate(record)
      // Of other entities too: the marks are the partition's.
      if (marks.advance(update) && linkedKey(update.entity, update.entityId) === key) foldUpdate(part, entity, update, record)
    }
  }
  return entity
}
