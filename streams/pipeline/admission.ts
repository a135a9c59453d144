/** The first look at an input record: is it an event, does it lie where its key belongs, and can its time be true? Pure. */
import type { CreditEvent } from '#schemas/events.ts'
import type { Parsed, Rejection, RejectionCode } from '#schemas/rejection.ts'
import { decodeEvent } from '#schemas/wire.ts'
import { partitionOf } from '../murmur2.ts'
import type { LogRecord } from '../ports.ts'

export interface TimeRules {
  /** How far ahead of its append time an event's time may lie: clock skew between producers and the log. */
  readonly aheadMsMax: number
  /** How far behind its append time; `null` accepts any age, as a replayed history needs. */
  readonly ageMsMax: number | null
}

/** Decodes and checks one record. `partitions` is the input topic's count; `decode` reads what others than this engine's edge wrote. */
export const admit = (
  record: LogRecord,
  partitions: number,
  rules: TimeRules,
  decode: (bytes: Uint8Array) => Parsed<CreditEvent> = decodeEvent,
): Parsed<CreditEvent> => {
  const parsed = decode(record.value)
  if (parsed.kind === 'rejected') return parsed
  const event = parsed.value
  const belongs = partitionOf(record.key, partitions)
  if (belongs !== record.partition || !isKeyOf(record.key, event.applicantId))
    return rejected(
      'wrong-partition',
      `the record lies in partition ${record.partition}, its applicant's key belongs in ${partitionOf(Buffer.from(event.applicantId), partitions)}`,
      {
        pointer: '/applicantId',
        value: event.applicantId.slice(0, 64),
        expected: `key = applicantId, partition = murmur2(key) mod ${partitions}`,
        remedy: `Send with applicantId as the key and Kafka's default partitioner over ${partitions} partitions.`,
      },
    )
  const timing = judgeTime(event.eventTime, record.appendedAt, rules)
  return timing === undefined ? parsed : { kind: 'rejected', rejection: timing }
}

/** The time rules alone; ingest applies them at the edge as well. `now` is the append time, or the clock where there is none yet. */
export const judgeTime = (eventTime: number, now: number, rules: TimeRules): Rejection | undefined => {
  if (eventTime - now > rules.aheadMsMax)
    return timeRejection(
      'too-far-ahead',
      eventTime,
      `at most ${rules.aheadMsMax} ms after it reaches the log`,
      'Correct the producer’s clock or the time zone of eventTime.',
      now,
    )
  if (rules.ageMsMax !== null && now - eventTime > rules.ageMsMax)
    return timeRejection(
      'too-old',
      eventTime,
      `at most ${rules.ageMsMax} ms before it reaches the log`,
      'Load history through a backfill, or raise the accepted age.',
      now,
    )
  return undefined
}

const timeRejection = (code: RejectionCode, eventTime: number, expected: string, remedy: string, now: number): Rejection => {
  const value = new Date(eventTime).toISOString()
  const detail = `eventTime ${value} lies ${Math.abs(eventTime - now)} ms ${eventTime > now ? 'after' : 'before'} the event reached the log`
  return { code, detail, errors: [{ pointer: '/eventTime', value, expected, remedy }] }
}

const rejected = (code: RejectionCode, detail: string, error: Rejection['errors'][number]): Parsed<never> => ({
  kind: 'rejected',
  rejection: { code, detail, errors: [error] },
})

/** Identifiers are ASCII, so a byte is a character. */
const isKeyOf = (key: Uint8Array, id: string): boolean => {
  if (key.length !== id.length) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== id.charCodeAt(i)) return false
  return true
}
