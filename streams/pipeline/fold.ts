/**
 * One applicant's record, one event: recognise repeats, then move the state. Pure over the entity given; the live pipeline and replay
 * share it, so that they cannot differ.
 */
import type { CreditEvent } from '#schemas/events.ts'
import type { FeatureSet } from '#features/feature-set.ts'
import type { DedupeLimits, Seen } from '../dedupe-ring.ts'
import type { Entity } from '../entity-record.ts'
import { hashBytes, hashPair, type Hash64 } from '../hash64.ts'
import type { LogRecord } from '../ports.ts'

const id: Hash64 = { high: 0, low: 0 }
const content: Hash64 = { high: 0, low: 0 }

/** Whether this applicant's event was seen before; a new one is remembered. Content is the record's value, byte for byte. */
export const recognise = (entity: Entity, event: CreditEvent, record: LogRecord, limits: DedupeLimits): Seen => {
  hashPair(event.producer, event.eventId, id)
  hashBytes(record.value, content)
  const seen = entity.ring.look(id, content, record.appendedAt, limits)
  if (seen.kind === 'new') entity.ring.add(id, content, record.offset, record.appendedAt, limits)
  return seen
}

/** As {@link recognise}, without remembering: ingest looks before it appends. `hash` is that of the record's value. */
export const lookUp = (entity: Entity, producer: string, eventId: string, hash: Hash64, nowMs: number, limits: DedupeLimits): Seen => {
  hashPair(producer, eventId, id)
  return entity.ring.look(id, hash, nowMs, limits)
}

/** Moves the state by one new event. Returns whether it was late: older than the newest of this applicant. */
export const foldEvent = (entity: Entity, event: CreditEvent, featureSet: FeatureSet): boolean => {
  if (event.kind === 'subject-request' && event.request === 'erasure') {
    // The dedupe ring stays: it holds hashes only, and without it a retry would bring erased facts back.
    entity.state = featureSet.emptyState()
    entity.newestEventTime = -Infinity
    entity.erased = true
    return false
  }
  featureSet.fold(entity.state, event)
  const late = event.eventTime < entity.newestEventTime
  if (!late) entity.newestEventTime = event.eventTime
  entity.erased = false
  return late
}
