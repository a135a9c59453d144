/**
 * Records as they stand in the log: Confluent framing, that is a zero byte, the schema id as a big-endian u32, then Avro.
 * Decoders never throw on foreign bytes; they return a rejection.
 */
import { hash } from 'node:crypto'
import Type from 'typebox'
import { CLAIM_SCHEMA_ID, DEAD_LETTER_SCHEMA_ID, DECISION_SCHEMA_ID, EVENT_SCHEMA_IDS, LINKED_DECISION_SCHEMA_ID } from './catalog.ts'
import {
  ClaimSchema,
  type Claim,
  type Decision,
  type DecisionBody,
  DecisionBodySchema,
  DecisionSchema,
  LinkedDecisionSchema,
} from './decision.ts'
import { type DeadLetter, DeadLetterSchema } from './dead-letter.ts'
import { type CreditEvent, EVENT_SCHEMAS } from './events.ts'
import { bareCodec, framedCodec, type FramedCodec, HEADER_BYTES } from './framed-codec.ts'
import type { Parsed, Rejection } from './rejection.ts'
import type { Offset } from './units.ts'

const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Schema id of a framed record, or −1 where the frame is not ours. */
export const schemaIdOf = (bytes: Uint8Array): number =>
  bytes.length >= HEADER_BYTES && bytes[0] === 0
    ? (((bytes[1] ?? 0) << 24) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0)) >>> 0
    : -1

const rejected = (code: Rejection['code'], detail: string): { readonly kind: 'rejected'; readonly rejection: Rejection } => ({
  kind: 'rejected',
  rejection: { code, detail, errors: [] },
})

interface EventCodec extends FramedCodec {
  readonly kind: CreditEvent['kind']
  readonly optional: readonly string[]
}

const EVENT_CODECS = new Map<number, EventCodec>()
const ENCODERS = {} as Record<CreditEvent['kind'], EventCodec>
for (const kind of Object.keys(EVENT_SCHEMA_IDS) as CreditEvent['kind'][]) {
  const schema = EVENT_SCHEMAS[kind]
  const required = new Set<string>(schema.required)
  const codec: EventCodec = {
    ...framedCodec(schema, EVENT_SCHEMA_IDS[kind]),
    kind,
    optional: Object.keys(schema.properties).filter((name) => !required.has(name)),
  }
  EVENT_CODECS.set(EVENT_SCHEMA_IDS[kind], codec)
  ENCODERS[kind] = codec
}

/** Kind of a framed event without decoding it; undefined where the frame is not an event's. */
export const eventKindOf = (bytes: Uint8Array): CreditEvent['kind'] | undefined => EVENT_CODECS.get(schemaIdOf(bytes))?.kind

export const encodeEvent = (event: CreditEvent): Uint8Array => ENCODERS[event.kind].encode(event)

/** Decodes. Types are checked here, ranges where the event entered (`parse-event.ts`). Absent optional fields are `undefined`. */
export const decodeEvent = (bytes: Uint8Array): Parsed<CreditEvent> => {
  const codec = EVENT_CODECS.get(schemaIdOf(bytes))
  if (codec === undefined)
    return rejected(
      'unknown-schema',
      `no event schema has the id ${schemaIdOf(bytes)}; the record does not start with a zero byte and a known id`,
    )
  try {
    const event = codec.decode(asBuffer(bytes)) as Record<string, unknown>
    for (const name of codec.optional) if (event[name] === null) event[name] = undefined
    event['kind'] = codec.kind
    return { kind: 'accepted', value: event as unknown as CreditEvent }
  } catch (error) {
    return rejected('schema-violation', `the bytes are not a ${codec.kind}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const BODY = bareCodec(DecisionBodySchema)
const DECISION = framedCodec(DecisionSchema, DECISION_SCHEMA_ID)
/** A decision's record up to its body, which is the last field. */
const HEAD = Type.Omit(DecisionSchema, ['body'], { title: 'decision' })
const DECISION_HEAD = framedCodec(HEAD, DECISION_SCHEMA_ID)
const LINKED_BODY = bareCodec(LinkedDecisionSchema.properties.body)
const LINKED_DECISION = framedCodec(LinkedDecisionSchema, LINKED_DECISION_SCHEMA_ID)
const LINKED_DECISION_HEAD = framedCodec(HEAD, LINKED_DECISION_SCHEMA_ID)
const CLAIM = framedCodec(ClaimSchema, CLAIM_SCHEMA_ID)
const DEAD_LETTER = framedCodec(DeadLetterSchema, DEAD_LETTER_SCHEMA_ID)

const SHA_256_BYTES = 32

/** The body's Avro bytes: what is hashed. The same body always gives the same bytes. */
export const encodeBody = (body: DecisionBody): Uint8Array => (body.linked === undefined ? BODY : LINKED_BODY).encode(body)
/** Of a body without linked entities. */
export const decodeBody = (bytes: Uint8Array): DecisionBody => BODY.decode(asBuffer(bytes)) as DecisionBody

/** SHA-256 over the previous capsule's hash (32 bytes) and the body's bytes, hex. */
export const capsuleHash = (previousHash: string, body: Uint8Array): string => {
  const joined = Buffer.allocUnsafe(SHA_256_BYTES + body.length)
  joined.write(previousHash, 0, SHA_256_BYTES, 'hex')
  joined.set(body, SHA_256_BYTES)
  return hash('sha256', joined, 'hex')
}

/**
 * The body comes last in the record: bytes that were made for its hash are copied, not made again. `body` must be `encodeBody(decision.body)`.
 */
export const encodeDecision = (decision: Decision, body: Uint8Array = encodeBody(decision.body)): Uint8Array => {
  const head = (decision.body.linked === undefined ? DECISION_HEAD : LINKED_DECISION_HEAD).encode(decision)
  const record = Buffer.allocUnsafe(head.length + body.length)
  record.set(head)
  record.set(body, head.length)
  return record
}

/** A decision and its record's bytes. */
export interface SealedDecision {
  readonly decision: Decision
  readonly bytes: Buffer
}

/**
 * Proves a decision: {@link encodeBody}, {@link capsuleHash} and {@link encodeDecision} in one, where the previous hash, the body and the head are written one behind the
 * other in a shared buffer, so that nothing is copied but the record.
 */
export const sealDecision = (unsealed: Omit<Decision, 'capsuleHash'>): SealedDecision => {
  const { body, previousHash } = unsealed
  const linked = body.linked !== undefined
  // The body leaves the bytes before it as they are, but may move to a larger buffer: the previous hash is written after it.
  const chained = (linked ? LINKED_BODY : BODY).encodeShared(body, SHA_256_BYTES)
  chained.write(previousHash, 0, SHA_256_BYTES, 'hex')
  const decision: Decision = { ...unsealed, capsuleHash: hash('sha256', chained, 'hex') }
  const end = chained.length
  const all = (linked ? LINKED_DECISION_HEAD : DECISION_HEAD).encodeShared(decision, end)
  const headBytes = all.length - end
  const bytes = Buffer.allocUnsafe(headBytes + end - SHA_256_BYTES)
  all.copy(bytes, 0, end)
  chained.copy(bytes, headBytes, SHA_256_BYTES)
  return { decision, bytes }
}

export const encodeClaim = (claim: Claim): Uint8Array => CLAIM.encode(claim)
export const encodeDeadLetter = (letter: DeadLetter): Uint8Array => DEAD_LETTER.encode({ ...letter, bytes: asBuffer(letter.bytes) })

export const decodeDeadLetter = (bytes: Uint8Array): Parsed<DeadLetter> => {
  if (schemaIdOf(bytes) !== DEAD_LETTER_SCHEMA_ID)
    return rejected('unknown-schema', `a dead letter has schema id ${DEAD_LETTER_SCHEMA_ID}, this record ${schemaIdOf(bytes)}`)
  try {
    return { kind: 'accepted', value: DEAD_LETTER.decode(asBuffer(bytes)) as DeadLetter }
  } catch (error) {
    return rejected('schema-violation', `the bytes are not a dead letter: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export type DecisionRecord =
  | { readonly kind: 'decision'; readonly decision: Decision }
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

export const decodeDecisionRecord = (bytes: Uint8Array): DecisionRecord => {
  const id = schemaIdOf(bytes)
  try {
    if (id === DECISION_SCHEMA_ID) return { kind: 'decision', decision: DECISION.decode(asBuffer(bytes)) as Decision }
    if (id === LINKED_DECISION_SCHEMA_ID) return { kind: 'decision', decision: LINKED_DECISION.decode(asBuffer(bytes)) as Decision }
    if (id === CLAIM_SCHEMA_ID) return { kind: 'claim', claim: CLAIM.decode(asBuffer(bytes)) as Claim }
  } catch (error) {
    return rejected('schema-violation', `not a record of the decisions log: ${error instanceof Error ? error.message : String(error)}`)
  }
  return rejected(
    'unknown-schema',
    `a record of the decisions log has schema id ${DECISION_SCHEMA_ID}, ${LINKED_DECISION_SCHEMA_ID} or ${CLAIM_SCHEMA_ID}, this one ${id}`,
  )
}

/** Reads Avro's zigzag variable-length integers; values up to 2^53. Reading past the end, or skipping backwards, makes it invalid for good. */
class VarintReader {
  private readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }
  isValid(): boolean {
    return this.at <= this.bytes.length
  }
  long(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte === undefined) {
        this.at = Number.POSITIVE_INFINITY
        return 0
      }
      this.at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  skip(count: number): void {
    this.at = count < 0 ? Number.POSITIVE_INFINITY : this.at + count
  }
}

export type DecisionFacts =
  | { readonly kind: 'claim' }
  | { readonly kind: 'decision'; readonly epoch: Offset; readonly partition: number; readonly offset: Offset; readonly bodyStart: number }
  | { readonly kind: 'unknown' }

const UNKNOWN: DecisionFacts = { kind: 'unknown' }

/**
 * Epoch and input position of a decisions-log record without decoding the rest, and where the body's bytes begin (they run to the end).
 * Bytes that are no such record, or end before the position, are `unknown`.
 */
export const peekDecision = (bytes: Uint8Array): DecisionFacts => {
  const id = schemaIdOf(bytes)
  if (id === CLAIM_SCHEMA_ID) return { kind: 'claim' }
  if (id !== DECISION_SCHEMA_ID && id !== LINKED_DECISION_SCHEMA_ID) return UNKNOWN
  const reader = new VarintReader(bytes, HEADER_BYTES)
  const epoch = reader.long()
  reader.skip(64)
  // Envelope: decidedAt, nine stages, two strings.
  for (let field = 0; field < 10; field++) reader.long()
  for (let text = 0; text < 2; text++) reader.skip(reader.long())
  const bodyStart = reader.at
  const partition = reader.long()
  const offset = reader.long()
  if (!reader.isValid() || !Number.isSafeInteger(offset) || offset < 0) return UNKNOWN
  return { kind: 'decision', epoch: epoch as Offset, partition, offset: offset as Offset, bodyStart }
}
