/** What is kept of an event that could not be accepted: its bytes as received, why, and where. Nothing is lost; it can be replayed after mending. */
import Type, { type Static } from 'typebox'
import { bytes, instant, text } from './field.ts'

const nullablePosition = (description: string) =>
  Type.Union([
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, unit: 'position', pii: 'none', avro: 'long' }),
    Type.Null(),
  ])

export const DeadLetterSchema = Type.Object(
  {
    code: text('Stable reason, lower-kebab', 64),
    detail: text('The reason in a sentence', 2_048),
    source: text('Where it was refused: http, or the topic it was read from', 64),
    partition: nullablePosition('Partition of the input record; null where it never entered the log'),
    offset: nullablePosition('Offset of the input record; null where it never entered the log'),
    receivedAt: instant('Wall clock at the gateway, or the record’s append time'),
    errors: Type.Array(
      Type.Object({
        pointer: Type.String({ description: 'RFC 6901 pointer', unit: 'pointer', pii: 'none', maxLength: 256 }),
        value: Type.String({ description: 'Offending value, shortened and masked', unit: 'text', pii: 'none', maxLength: 128 }),
        expected: Type.String({ description: 'What was expected', unit: 'text', pii: 'none', maxLength: 1_024 }),
        remedy: Type.String({ description: 'What to do', unit: 'text', pii: 'none', maxLength: 1_024 }),
      }),
      { description: 'Errors found', unit: 'errors', pii: 'none', maxItems: 16 },
    ),
    bytes: bytes('The event as received', 'sensitive'),
  },
  { title: 'dead-letter', description: 'An event that could not be accepted' },
)
export type DeadLetter = Readonly<Static<typeof DeadLetterSchema>>
