/** One of each record of `alerts` and `model-events`. */
import { ALERT_SCHEMA_ID, MODEL_EVENT_SCHEMA_IDS } from '#schemas/catalog.ts'
import type { Alert, AlertJudgement, Gate, ModelEvent } from '#schemas/monitoring-events.ts'
import { encodeAlert, encodeModelEvent } from '#schemas/monitoring-wire.ts'
import { epochMs } from '#schemas/units.ts'

const AT = epochMs(1_800_000_000_000)

export const UNIT_CHANGE: Alert = {
  alertId: 'data-quality:bank-a:payment:amount:unit-change:1800000000000',
  state: 'open',
  kind: 'data-quality',
  cause: 'unit-change',
  severity: 'page',
  raisedAt: AT,
  windowStart: epochMs(AT - 60_000),
  windowEnd: AT,
  subject: 'bank-a payment.amount',
  producer: 'bank-a',
  eventKind: 'payment',
  field: 'amount',
  modelVersion: null,
  segment: null,
  features: [],
  metric: 'median-log10-shift',
  value: 2,
  threshold: 0.8,
  pValue: null,
  n: 500,
  blocksRetraining: true,
  detail: 'amounts of payments from bank-a are 100 times what they were',
}
export const JUDGEMENT: AlertJudgement = {
  judgementId: 'f00d',
  alertId: UNIT_CHANGE.alertId,
  verdict: 'muted',
  judgedAt: AT,
  mutedUntil: epochMs(AT + 3_600_000),
  actor: 'ada@desk',
  reason: 'looked into',
}
const SHIFT: Alert = {
  ...UNIT_CHANGE,
  alertId: 'drift:credit@1:1800000000000',
  state: 'resolved',
  kind: 'drift',
  cause: 'segment-shift',
  severity: 'ticket',
  producer: null,
  eventKind: null,
  field: null,
  modelVersion: 'credit@1',
  segment: 'channel=mobile',
  features: ['applicant.statement.utilisation.last.6mo', 'score'],
  metric: 'psi',
  value: 0.31,
  threshold: 0.25,
  pValue: 1e-30,
  blocksRetraining: false,
}
const GATE: Gate = {
  gate: 'auc-non-inferior',
  state: 'passed',
  value: 0.004,
  low: -0.001,
  high: 0.009,
  threshold: -0.01,
  detail: 'AUC rose by 0.004',
}

const MODEL_EVENTS: readonly ModelEvent[] = [
  {
    kind: 'retrain-requested',
    requestId: 'retrain:drift:credit@1:1800000000000',
    requestedAt: AT,
    modelVersion: 'credit@1',
    alertIds: [SHIFT.alertId],
    cause: 'segment-shift',
    features: SHIFT.features,
    segment: SHIFT.segment,
    inputOffsets: [0, 2 ** 40, 17],
    outcomesSeen: 2_000,
    detail: 'two windows in a row drifted',
  },
  {
    kind: 'model-trained',
    modelVersion: 'credit@2',
    parentVersion: 'credit@1',
    requestId: 'retrain:drift:credit@1:1800000000000',
    trainedAt: AT,
    gates: [GATE],
  },
  {
    kind: 'model-promoted',
    modelVersion: 'credit@2',
    previousVersion: null,
    alias: 'champion',
    requestId: null,
    promotedAt: AT,
    actor: 'gate',
    reason: 'passed',
  },
  {
    kind: 'model-refused',
    modelVersion: 'credit@3',
    requestId: null,
    refusedAt: AT,
    gates: [{ ...GATE, state: 'failed', value: null, low: null, high: null, threshold: null }],
    detail: 'worse',
  },
  { kind: 'training-failed', requestId: null, failedAt: AT, code: 'out-of-time', detail: 'it took too long' },
  { kind: 'model-activated', modelVersion: 'credit@2', previousVersion: 'credit@1', activatedAt: AT, inputOffsets: [3, 2 ** 40, 0] },
]

export const MONITORING_RECORDS = [
  ...[UNIT_CHANGE, SHIFT].map((alert) => ({ id: ALERT_SCHEMA_ID, record: alert, bytes: encodeAlert(alert) })),
  ...MODEL_EVENTS.map((event) => ({ id: MODEL_EVENT_SCHEMA_IDS[event.kind], record: event, bytes: encodeModelEvent(event) })),
]
