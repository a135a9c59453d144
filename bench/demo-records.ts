/** Applicants' records as the engine keeps them at the end of the demo: every event recognised and folded, as live. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { epochMs } from '#schemas/units.ts'
import { DEDUPE_DEFAULT } from '#streams/dedupe-ring.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { encodeEntity, type Entity, newEntity } from '#streams/entity-record.ts'
import { foldEvent, recognise } from '#streams/pipeline/fold.ts'

const DATA = join(import.meta.dirname, '../data/taiwan/taiwan-credit-default.csv.gz')
/** The demo is played in minutes: within the horizon of repeats. */
const APPENDED_AT = epochMs(Date.UTC(2026, 0, 1))

/** One record an applicant, in the order of their first events. */
export const demoRecords = (): readonly Buffer[] => {
  const entities = new Map<string, Entity>()
  let offset = 0
  for (const event of demoStream(readFileSync(DATA)).events()) {
    const entity = entities.get(event.applicantId) ?? newEntity(creditFeatureSet.emptyState())
    entities.set(event.applicantId, entity)
    // Repeats are recognised by content; of what it consists does not matter to its size.
    const value = Buffer.from(event.eventId)
    recognise(entity, event, { partition: 0, offset: offset++, appendedAt: APPENDED_AT, key: value, value }, DEDUPE_DEFAULT)
    foldEvent(entity, event, creditFeatureSet)
  }
  const hash = Buffer.from(creditFeatureSet.hash, 'hex')
  return Array.from(entities.values(), (entity) => encodeEntity(entity, hash))
}
