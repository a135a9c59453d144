/** What statistics over decisions read of them, without the capsule's proofs, attributions and reasons. */
import { DECISION_SCHEMA_ID, LINKED_DECISION_SCHEMA_ID } from './catalog.ts'
import { type DecisionBody, type DecisionEnvelope, DecisionSchema, LinkedDecisionSchema } from './decision.ts'
import { type Outline, outlineDecoder } from './outline-codec.ts'
import type { Parsed } from './rejection.ts'
import { schemaIdOf } from './wire.ts'

const BODY_FIELDS = ['partition', 'offset', 'eventTime', 'product', 'vector', 'score', 'modelVersion'] as const

export interface DecisionOutline {
  readonly envelope: Pick<DecisionEnvelope, 'stages'>
  readonly body: Pick<DecisionBody, (typeof BODY_FIELDS)[number]>
}

const OUTLINE: Outline = { envelope: { stages: true }, body: Object.fromEntries(BODY_FIELDS.map((name) => [name, true as const])) }
const DECODERS = new Map([
  [DECISION_SCHEMA_ID, outlineDecoder(DecisionSchema, OUTLINE)],
  [LINKED_DECISION_SCHEMA_ID, outlineDecoder(LinkedDecisionSchema, OUTLINE)],
])

/** Decodes a decision's record; never throws on foreign bytes. */
export const decodeDecisionOutline = (bytes: Uint8Array): Parsed<DecisionOutline> => {
  const decode = DECODERS.get(schemaIdOf(bytes))
  if (decode === undefined)
    return {
      kind: 'rejected',
      rejection: { code: 'unknown-schema', detail: `no decision has the schema id ${schemaIdOf(bytes)}`, errors: [] },
    }
  try {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return { kind: 'accepted', value: decode(buffer) as DecisionOutline }
  } catch (error) {
    const detail = `not a record of the decisions log: ${error instanceof Error ? error.message : String(error)}`
    return { kind: 'rejected', rejection: { code: 'schema-violation', detail, errors: [] } }
  }
}
