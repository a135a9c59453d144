/**
 * The input log as everyone must read it: events in the log's format that lie where their applicant belongs. Others than this program may write
 * there, with other partitioners or without a key; what strays is put where it belongs by the owner of the partition it strayed into, and is an
 * event only there.
 */
import { CATALOGUE_FORMAT, type EventFormat } from '#schemas/event-format.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { partitionOf } from './murmur2.ts'
import type { EventLog, LogRecord } from './ports.ts'

export interface Input {
  /** Of the input topic. */
  readonly partitions: number
  readonly format: EventFormat
}

export const inputOf = (log: EventLog): Input => ({ partitions: log.partitions('credit-events'), format: log.format ?? CATALOGUE_FORMAT })

export type InputRecord =
  | { readonly kind: 'event'; readonly event: CreditEvent }
  /** An event whose applicant belongs elsewhere, or under another key. */
  | { readonly kind: 'stray'; readonly event: CreditEvent }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

/** Decodes one record that `log.read` returned, and looks whether it lies right. */
export const readInput = (record: LogRecord, { partitions, format }: Input): InputRecord => {
  const parsed = format.decode(record.value)
  if (parsed.kind === 'rejected') return parsed
  const event = parsed.value
  const right = partitionOf(record.key, partitions) === record.partition && isKeyOf(record.key, event.applicantId)
  return { kind: right ? 'event' : 'stray', event }
}

/** The application that a record is, lying right; other kinds are mostly told without decoding. */
export const applicationIn = (record: LogRecord, input: Input): ApplicationEvent | undefined => {
  const kind = input.format.kindOf(record.value)
  if (kind !== undefined && kind !== 'application') return undefined
  const found = readInput(record, input)
  return found.kind === 'event' && found.event.kind === 'application' ? found.event : undefined
}

/** Identifiers are ASCII, so a byte is a character. */
const isKeyOf = (key: Uint8Array, id: string): boolean => {
  if (key.length !== id.length) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== id.charCodeAt(i)) return false
  return true
}
