/** Records of the dead letters: what could not be accepted, its bytes as received, why, and where it stood. */
import type { Rejection } from '#schemas/rejection.ts'
import type { EpochMs } from '#schemas/units.ts'
import { encodeDeadLetter } from '#schemas/wire.ts'
import type { AppendRecord, LogRecord } from './ports.ts'
import { keepable } from './protected-bytes.ts'

/** As many errors as a dead letter lists. */
const ERRORS_MAX = 16
const DETAIL_MAX = 2_048
/** First byte of Confluent's frame. */
const FRAMED = 0

/**
 * A record of the input log that the pipeline refused; it lies in the input's partition. Text that may hold protected attributes is withheld as
 * it is at the edge; framed Avro has no names to tell them by.
 */
export const deadLetterOf = (record: LogRecord, refused: Rejection): AppendRecord => {
  const { partition, offset, appendedAt, key, value } = record
  const { bytes, rejection } = value[0] === FRAMED ? { bytes: value, rejection: refused } : keepable(value, refused)
  return { partition, key, value: encode(rejection, 'credit-events', { partition, offset }, appendedAt, bytes) }
}

/** What was refused before it entered the log. */
export const edgeDeadLetter = (
  partition: number,
  bytes: Uint8Array,
  rejection: Rejection,
  receivedAt: EpochMs,
  source: string,
): AppendRecord => ({
  partition,
  key: new Uint8Array(0),
  value: encode(rejection, source, { partition: null, offset: null }, receivedAt, bytes),
})

const encode = (
  { code, detail, errors }: Rejection,
  source: string,
  position: { readonly partition: number | null; readonly offset: number | null },
  receivedAt: EpochMs,
  bytes: Uint8Array,
): Uint8Array =>
  encodeDeadLetter({
    code,
    detail: detail.slice(0, DETAIL_MAX),
    source,
    ...position,
    receivedAt,
    errors: errors.slice(0, ERRORS_MAX).map((error) => ({ ...error })),
    bytes,
  })
