/** Alerts and model events as they stand in the log; the same framing as everything else. Decoders never throw on foreign bytes. */
import { ALERT_JUDGEMENT_SCHEMA_ID, ALERT_SCHEMA_ID, MODEL_EVENT_SCHEMA_IDS } from './catalog.ts'
import { framedCodec, type FramedCodec } from './framed-codec.ts'
import {
  type Alert,
  type AlertJudgement,
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
import type { Parsed } from './rejection.ts'
import { schemaIdOf } from './wire.ts'

const SCHEMAS = {
  'retrain-requested': RetrainRequestedSchema,
  'model-trained': ModelTrainedSchema,
  'model-promoted': ModelPromotedSchema,
  'model-refused': ModelRefusedSchema,
  'training-failed': TrainingFailedSchema,
  'model-activated': ModelActivatedSchema,
} as const satisfies Record<ModelEvent['kind'], object>

const ALERT = framedCodec(AlertSchema, ALERT_SCHEMA_ID)
const JUDGEMENT = framedCodec(AlertJudgementSchema, ALERT_JUDGEMENT_SCHEMA_ID)
const BY_ID = new Map<number, { readonly kind: ModelEvent['kind']; readonly codec: FramedCodec }>()
const BY_KIND = {} as Record<ModelEvent['kind'], FramedCodec>
for (const kind of Object.keys(SCHEMAS) as ModelEvent['kind'][]) {
  const id = MODEL_EVENT_SCHEMA_IDS[kind]
  const codec = framedCodec(SCHEMAS[kind], id)
  BY_ID.set(id, { kind, codec })
  BY_KIND[kind] = codec
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const decode = <Value>(bytes: Uint8Array, codec: FramedCodec | undefined, what: string, wanted: string): Parsed<Value> => {
  if (codec === undefined)
    return {
      kind: 'rejected',
      rejection: { code: 'unknown-schema', detail: `${what} has schema id ${wanted}, this record ${schemaIdOf(bytes)}`, errors: [] },
    }
  try {
    return { kind: 'accepted', value: codec.decode(asBuffer(bytes)) as Value }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'rejected', rejection: { code: 'schema-violation', detail: `the bytes are not ${what}: ${reason}`, errors: [] } }
  }
}

export const encodeAlert = (alert: Alert): Uint8Array => ALERT.encode(alert)

export const decodeAlert = (bytes: Uint8Array): Parsed<Alert> =>
  decode(bytes, schemaIdOf(bytes) === ALERT_SCHEMA_ID ? ALERT : undefined, 'an alert', String(ALERT_SCHEMA_ID))

export const encodeAlertJudgement = (judgement: AlertJudgement): Uint8Array => JUDGEMENT.encode(judgement)

/** Whether a record of the topic `alerts` is a judgement, by its frame alone. */
export const isAlertJudgement = (bytes: Uint8Array): boolean => schemaIdOf(bytes) === ALERT_JUDGEMENT_SCHEMA_ID

export const decodeAlertJudgement = (bytes: Uint8Array): Parsed<AlertJudgement> =>
  decode(bytes, isAlertJudgement(bytes) ? JUDGEMENT : undefined, 'a judgement of an alert', String(ALERT_JUDGEMENT_SCHEMA_ID))

export const encodeModelEvent = (event: ModelEvent): Uint8Array => BY_KIND[event.kind].encode(event)

export const decodeModelEvent = (bytes: Uint8Array): Parsed<ModelEvent> => {
  const found = BY_ID.get(schemaIdOf(bytes))
  const parsed = decode<ModelEvent>(bytes, found?.codec, 'a model event', Object.values(MODEL_EVENT_SCHEMA_IDS).join(', '))
  return parsed.kind === 'accepted' && found !== undefined
    ? { kind: 'accepted', value: { ...parsed.value, kind: found.kind } as ModelEvent }
    : parsed
}
