/** One record of the topic folded into the entity it names. The live fold and replay share it, so that they cannot differ. */
import type { LinkedPart } from '#features/feature-set.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { LinkedUpdate } from '#schemas/linked-update.ts'
import { decodeLinkedUpdate } from '#schemas/linked-wire.ts'
import { decodeEvent } from '#schemas/wire.ts'
import { TerminalFailure } from '../failure.ts'
import type { LogRecord } from '../ports.ts'
import type { LinkedState } from './linked-record.ts'

/** Reads a record. The topic is the engine's own: what is not an update there is damage. */
export const readUpdate = (record: LogRecord): LinkedUpdate => {
  const parsed = decodeLinkedUpdate(record.value)
  if (parsed.kind === 'accepted') return parsed.value
  throw damaged(record, parsed.rejection.detail)
}

/** The application that an update tells of. */
export const applicationTold = (update: LinkedUpdate, record: LogRecord): ApplicationEvent => {
  const parsed = decodeEvent(update.application)
  if (parsed.kind === 'rejected') throw damaged(record, parsed.rejection.detail)
  if (parsed.value.kind !== 'application') throw damaged(record, `it carries a ${parsed.value.kind}, not an application`)
  return parsed.value
}

const damaged = ({ partition, offset }: LogRecord, detail: string): TerminalFailure =>
  new TerminalFailure(
    'log-corrupt',
    `linked-entities[${partition}] holds at ${offset} what is no update: ${detail}. Restore the log from a copy.`,
  )

/** The state of an entity that nothing is known of. */
export const unknownEntity = ({ set }: LinkedPart): LinkedState => ({ version: 0, state: set.emptyState() })

/** Moves the entity's state by one new update. */
export const foldUpdate = ({ set }: LinkedPart, entity: LinkedState, update: LinkedUpdate, record: LogRecord): void => {
  set.fold(entity.state, applicationTold(update, record))
  entity.version = record.offset + 1
}
