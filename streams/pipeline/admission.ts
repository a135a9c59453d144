/** The first look at an input record: is it an event, does it lie where its key belongs, and can its time be true? Pure. */
import type { Rejection, RejectionCode } from '#schemas/rejection.ts'
import { type Input, type InputRecord, readInput } from '../input.ts'
import type { LogRecord } from '../ports.ts'

export interface TimeRules {
  /** How far ahead of its append time an event's time may lie: clock skew between producers and the log. */
  readonly aheadMsMax: number
  /** How far behind its append time; `null` accepts any age, as a replayed history needs. */
  readonly ageMsMax: number | null
}

/** Decodes and checks one record. The time of a stray is judged where it belongs. */
export const admit = (record: LogRecord, input: Input, rules: TimeRules): InputRecord => {
  const found = readInput(record, input)
  if (found.kind !== 'event') return found
  const timing = judgeTime(found.event.eventTime, record.appendedAt, rules)
  return timing === undefined ? found : { kind: 'rejected', rejection: timing }
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
