/** What monitoring and the retraining loop say: alerts and what people make of them (topic `alerts`), and the life of models (topic `model-events`). */
import Type, { type Static } from 'typebox'
import { choice, flag, instant, number, text } from './field.ts'

const nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const FINITE_MAX = Number.MAX_VALUE
const finite = (description: string, unit: string) => number(description, unit, -FINITE_MAX, FINITE_MAX, 'none')
const count = (description: string, unit: string) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, unit, pii: 'none', avro: 'long' })
const names = (description: string, maxItems: number) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { description, unit: 'names', pii: 'none', maxItems })
/** Stable in the place it is about: the same finding, made again after a restart, has the same identifier. */
const stableId = (description: string) => text(`${description}; the same again when the same finding is made again`, 256)
const offsets = (description: string) =>
  Type.Array(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, avro: 'long' }), {
    description,
    unit: 'offset per partition',
    pii: 'none',
    maxItems: 1_048_576,
  })

/** Most features an alert names, largest shift first. */
export const ALERT_FEATURES_MAX = 8

const ALERT_KINDS = ['drift', 'data-quality', 'fairness', 'performance', 'latency'] as const
export type AlertKind = (typeof ALERT_KINDS)[number]
const ALERT_CAUSES = [
  'population-shift',
  'segment-shift',
  'unit-change',
  'missing',
  'range',
  'freshness',
  'volume',
  'four-fifths',
  'equal-opportunity',
  'discrimination',
  'calibration',
  'burn-rate',
] as const
export type AlertCause = (typeof ALERT_CAUSES)[number]

/** An `open` record opens the alert of this `alertId`; a `resolved` one with the same `alertId` closes it. Repeats are harmless. */
export const AlertSchema = Type.Object(
  {
    alertId: stableId('Identifier of the alert'),
    state: Type.Unsafe<'open' | 'resolved'>(choice('Whether the finding begins or has ended', ['open', 'resolved'])),
    kind: Type.Unsafe<AlertKind>(choice('What was watched', [...ALERT_KINDS])),
    cause: Type.Unsafe<AlertCause>(choice('What is believed to have happened', [...ALERT_CAUSES])),
    severity: Type.Unsafe<'page' | 'ticket'>(
      choice('Whether somebody is called now, or looks at it when there is time', ['page', 'ticket']),
    ),
    raisedAt: instant('Log time of the record that completed the evidence'),
    windowStart: instant('Beginning of the evidence'),
    windowEnd: instant('End of the evidence, exclusive'),
    subject: text('What the alert is about, in one phrase: producer and field, feature and segment, attribute and group', 256),
    producer: nullable(text('Producer at fault', 128)),
    eventKind: nullable(text('Kind of event at fault', 32)),
    field: nullable(text('Field at fault', 64)),
    modelVersion: nullable(text('Model whose decisions were watched, name@version', 128)),
    segment: nullable(text('Part of the portfolio it is confined to, dimension=value; null where it is all of it', 128)),
    features: names('Features that moved, furthest first', ALERT_FEATURES_MAX),
    metric: text('Metric that crossed its threshold', 64),
    value: finite('The metric', 'see metric'),
    threshold: finite('Value from which it counts', 'see metric'),
    pValue: nullable(number('Probability of at least this value without the cause', 'probability', 0, 1, 'none')),
    n: count('Observations behind it', 'observations'),
    blocksRetraining: flag('Whether nothing may be trained on data of this time'),
    detail: text('The finding in a sentence', 1_024),
  },
  { title: 'alert', description: 'A threshold was crossed, or is no longer' },
)
export type Alert = Readonly<Static<typeof AlertSchema>>

export const ALERT_VERDICTS = ['accepted', 'muted', 'acknowledged'] as const
export type AlertVerdict = (typeof ALERT_VERDICTS)[number]

/**
 * What a person makes of an alert, in the topic `alerts` behind it. `accepted`: the data are as they are meant to be from here on, the alert ends and
 * its producer's past is gathered anew. `muted`: it stays open and calls nobody until then. `acknowledged`: somebody looks after it.
 */
export const AlertJudgementSchema = Type.Object(
  {
    judgementId: stableId('Identifier of the judgement'),
    alertId: text('Alert it is about', 256),
    verdict: Type.Unsafe<AlertVerdict>(choice('What follows', [...ALERT_VERDICTS])),
    judgedAt: instant('When it was given'),
    mutedUntil: nullable(instant('Log time until which the alert calls nobody; null unless muted')),
    actor: text('Who gave it: user and machine', 128),
    reason: text('Why', 1_024),
  },
  { title: 'alert-judgement', description: 'A person accepted, muted or acknowledged an alert' },
)
export type AlertJudgement = Readonly<Static<typeof AlertJudgementSchema>>

/** Something is to be learned anew. Debounced and capped where it is emitted; a consumer acts once per `requestId`. */
export const RetrainRequestedSchema = Type.Object(
  {
    kind: Type.Literal('retrain-requested'),
    requestId: stableId('Identifier of the request'),
    requestedAt: instant('Log time of the record that completed the evidence'),
    modelVersion: text('Model to be succeeded, name@version', 128),
    alertIds: names('Alerts that led to it', 64),
    cause: Type.Unsafe<AlertCause>(choice('Cause of the first of them', [...ALERT_CAUSES])),
    features: names('Features that moved, furthest first', ALERT_FEATURES_MAX),
    segment: nullable(text('Part of the portfolio it is confined to, dimension=value; null where it is all of it', 128)),
    inputOffsets: offsets(
      'Per partition of credit-events, the offset before which everything was known: labels at or behind it are too late',
    ),
    outcomesSeen: count('Observed outcomes among them since the last request', 'outcomes'),
    detail: text('Why, in a sentence', 1_024),
  },
  { title: 'retrain-requested', description: 'A successor of the model is to be trained' },
)
export type RetrainRequested = Readonly<Static<typeof RetrainRequestedSchema>>

const GateSchema = Type.Object({
  gate: text('Gate, e.g. auc-non-inferior', 64),
  state: Type.Unsafe<'passed' | 'failed' | 'insufficient-evidence'>(choice('Verdict', ['passed', 'failed', 'insufficient-evidence'])),
  value: nullable(finite('What was measured', 'see gate')),
  low: nullable(finite('Lower bound of its 95 % interval', 'see gate')),
  high: nullable(finite('Upper bound of its 95 % interval', 'see gate')),
  threshold: nullable(finite('What it was held against', 'see gate')),
  detail: text('The verdict in a sentence', 512),
})
export type Gate = Readonly<Static<typeof GateSchema>>
const gates = Type.Array(GateSchema, { description: 'Every gate with its figures', unit: 'gates', pii: 'none', maxItems: 32 })
const requestId = nullable(text('Request it answers; null where a person began it', 256))

export const ModelTrainedSchema = Type.Object(
  {
    kind: Type.Literal('model-trained'),
    modelVersion: text('Bundle published, name@version', 128),
    parentVersion: nullable(text('Bundle it would succeed, name@version', 128)),
    requestId,
    trainedAt: instant('When the bundle was published'),
    gates,
  },
  { title: 'model-trained', description: 'A bundle was trained, judged and published; no alias points to it yet' },
)
export type ModelTrained = Readonly<Static<typeof ModelTrainedSchema>>

export const ModelPromotedSchema = Type.Object(
  {
    kind: Type.Literal('model-promoted'),
    modelVersion: text('Bundle the alias points to now, name@version', 128),
    previousVersion: nullable(text('Bundle it pointed to before, name@version', 128)),
    alias: text('Alias that moved: champion, challenger or fallback', 64),
    requestId,
    promotedAt: instant('When the alias moved'),
    actor: text('Who moved it: a person, or the gate', 128),
    reason: text('Why', 1_024),
  },
  { title: 'model-promoted', description: 'An alias moved' },
)
export type ModelPromoted = Readonly<Static<typeof ModelPromotedSchema>>

export const ModelRefusedSchema = Type.Object(
  {
    kind: Type.Literal('model-refused'),
    modelVersion: text('Bundle that stays unused, name@version', 128),
    requestId,
    refusedAt: instant('When the gates had judged'),
    gates,
    detail: text('The gates that failed, in a sentence', 1_024),
  },
  { title: 'model-refused', description: 'A trained bundle did not pass its gates' },
)
export type ModelRefused = Readonly<Static<typeof ModelRefusedSchema>>

export const TrainingFailedSchema = Type.Object(
  {
    kind: Type.Literal('training-failed'),
    requestId,
    failedAt: instant('When training ended'),
    code: text('Stable reason, lower-kebab', 64),
    detail: text('The reason in a sentence', 1_024),
  },
  { title: 'training-failed', description: 'Training ended without a bundle' },
)
export type TrainingFailed = Readonly<Static<typeof TrainingFailedSchema>>

export const ModelActivatedSchema = Type.Object(
  {
    kind: Type.Literal('model-activated'),
    modelVersion: text('Bundle that decides from here on, name@version', 128),
    previousVersion: nullable(text('Bundle that decided before, name@version', 128)),
    activatedAt: instant('When the engine exchanged them'),
    inputOffsets: offsets('Per partition of credit-events, the first offset that it decides'),
  },
  { title: 'model-activated', description: 'A running engine exchanged its model between two batches' },
)
export type ModelActivated = Readonly<Static<typeof ModelActivatedSchema>>

/** Records of the topic `model-events`. */
export type ModelEvent = RetrainRequested | ModelTrained | ModelPromoted | ModelRefused | TrainingFailed | ModelActivated
