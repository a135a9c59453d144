/** Schema ids of the embedded log. An id, once written to a log, keeps its meaning for ever: change a schema by adding an id. */
import { ClaimSchema, DecisionSchema } from './decision.ts'
import { DeadLetterSchema } from './dead-letter.ts'
import { EVENT_SCHEMAS, type CreditEvent } from './events.ts'

/** Ids of the kinds that may enter the log; `protected` has none, by design. */
export const EVENT_SCHEMA_IDS = {
  application: 1,
  statement: 2,
  payment: 3,
  transaction: 4,
  bureau: 5,
  outcome: 6,
  'subject-request': 7,
} as const satisfies Record<CreditEvent['kind'], number>

export const DECISION_SCHEMA_ID = 32
export const CLAIM_SCHEMA_ID = 33
export const DEAD_LETTER_SCHEMA_ID = 34

/** Every schema that has an id, for publication and tests. */
export const CATALOG = [
  ...(Object.keys(EVENT_SCHEMA_IDS) as CreditEvent['kind'][]).map((kind) => ({ id: EVENT_SCHEMA_IDS[kind], schema: EVENT_SCHEMAS[kind] })),
  { id: DECISION_SCHEMA_ID, schema: DecisionSchema },
  { id: CLAIM_SCHEMA_ID, schema: ClaimSchema },
  { id: DEAD_LETTER_SCHEMA_ID, schema: DeadLetterSchema },
] as const
