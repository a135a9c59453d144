/** Schema ids of the embedded log. An id, once written to a log, keeps its meaning for ever: change a schema by adding an id. */
import { ClaimSchema, DecisionSchema, LinkedDecisionSchema } from './decision.ts'
import { DeadLetterSchema } from './dead-letter.ts'
import { EVENT_SCHEMAS, type CreditEvent } from './events.ts'
import { LinkedUpdateSchema } from './linked-update.ts'
import {
  AlertJudgementSchema,
  AlertSchema,
  ModelActivatedSchema,
  type ModelEvent,
  ModelPromotedSchema,
  ModelRefusedSchema,
  ModelTrainedSchema,
  RetrainRequestedSchema,
  TrainingFailedSchema,
} from './monitoring-events.ts'
import { RevisionSchema } from './revision.ts'

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
export const ALERT_SCHEMA_ID = 35
export const REVISION_SCHEMA_ID = 48

/** Ids of the kinds in the topic `model-events`. */
export const MODEL_EVENT_SCHEMA_IDS = {
  'retrain-requested': 36,
  'model-trained': 37,
  'model-promoted': 38,
  'model-refused': 39,
  'training-failed': 40,
  'model-activated': 41,
} as const satisfies Record<ModelEvent['kind'], number>

/** Stands in the topic `alerts`, beside the alerts. */
export const ALERT_JUDGEMENT_SCHEMA_ID = 47
export const LINKED_UPDATE_SCHEMA_ID = 60
/** A decision whose vector was read off linked entities too; the others keep the id, and the bytes, they always had. */
export const LINKED_DECISION_SCHEMA_ID = 61

/** Every schema that has an id, for publication and tests. */
export const CATALOG = [
  ...(Object.keys(EVENT_SCHEMA_IDS) as CreditEvent['kind'][]).map((kind) => ({ id: EVENT_SCHEMA_IDS[kind], schema: EVENT_SCHEMAS[kind] })),
  { id: DECISION_SCHEMA_ID, schema: DecisionSchema },
  { id: CLAIM_SCHEMA_ID, schema: ClaimSchema },
  { id: DEAD_LETTER_SCHEMA_ID, schema: DeadLetterSchema },
  { id: ALERT_SCHEMA_ID, schema: AlertSchema },
  { id: ALERT_JUDGEMENT_SCHEMA_ID, schema: AlertJudgementSchema },
  { id: MODEL_EVENT_SCHEMA_IDS['retrain-requested'], schema: RetrainRequestedSchema },
  { id: MODEL_EVENT_SCHEMA_IDS['model-trained'], schema: ModelTrainedSchema },
  { id: MODEL_EVENT_SCHEMA_IDS['model-promoted'], schema: ModelPromotedSchema },
  { id: MODEL_EVENT_SCHEMA_IDS['model-refused'], schema: ModelRefusedSchema },
  { id: MODEL_EVENT_SCHEMA_IDS['training-failed'], schema: TrainingFailedSchema },
  { id: MODEL_EVENT_SCHEMA_IDS['model-activated'], schema: ModelActivatedSchema },
  { id: REVISION_SCHEMA_ID, schema: RevisionSchema },
  { id: LINKED_UPDATE_SCHEMA_ID, schema: LinkedUpdateSchema },
  { id: LINKED_DECISION_SCHEMA_ID, schema: LinkedDecisionSchema },
] as const
