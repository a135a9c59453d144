/** A repeat that got into the log is never decided; whoever holds its position is led to the decision on the original. */
import type { Decision } from '#schemas/decision.ts'
import type { DedupeLimits } from './dedupe-ring.ts'
import type { Entity } from './entity-record.ts'
import { findDecision } from './find-decision.ts'
import { hashBytes } from './hash64.ts'
import { applicationIn, inputOf } from './input.ts'
import { lookUp } from './pipeline/fold.ts'
import type { EventLog, Position } from './ports.ts'

export interface OriginalPorts {
  readonly log: EventLog
  /** What is known of an applicant; where another process owns it, as last committed. */
  readonly entity: (applicantId: string) => Promise<Entity>
  readonly dedupe: DedupeLimits
}

/** The believed decision on the event of which a repeat lies at `position`; undefined where there is none, or it is no repeat. */
export const findOriginal = async (position: Position, { log, entity, dedupe }: OriginalPorts): Promise<Decision | undefined> => {
  const { partition, offset } = position
  if (!(partition >= 0 && partition < log.partitions('credit-events')) || offset >= (log.end('credit-events')[partition] ?? 0))
    return undefined
  const [record] = await log.read('credit-events', partition, offset, 1)
  if (record?.offset !== offset) return undefined
  const application = applicationIn(record, inputOf(log))
  if (application === undefined) return undefined
  const { applicantId, producer, eventId } = application
  const content = { high: 0, low: 0 }
  hashBytes(record.value, content)
  const seen = lookUp(await entity(applicantId), producer, eventId, content, record.appendedAt, dedupe)
  return seen.kind === 'duplicate' && seen.offset < offset ? findDecision(log, partition, seen.offset) : undefined
}
