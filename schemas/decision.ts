/** What the engine says about an application: the verdict, the capsule that proves it, and the shape others read. */
import Type, { type Static } from 'typebox'
import { choice, currency, flag, float32Vector, float64Vector, identifier, instant, integer, money, number, sha256, text } from './field.ts'
import { LINKED_KINDS } from './linked-update.ts'
import type { ApplicantId, Offset, Points, Probability } from './units.ts'

const FINITE_MAX = Number.MAX_VALUE
const nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const logOdds = (description: string) => number(description, 'log-odds of bad', -FINITE_MAX, FINITE_MAX)
const position = (description: string) =>
  Type.Unsafe<Offset>({
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description,
    unit: 'records',
    pii: 'none',
    avro: 'long',
  })
const probabilityField = (description: string) => Type.Unsafe<Probability>(number(description, 'probability', 0, 1))
const hash = sha256

const OUTCOMES = ['approve', 'refer', 'decline'] as const
export type DecisionOutcome = (typeof OUTCOMES)[number]
/** In the order in which quality is given up to keep the deadline; `null` when nothing was. */
const DEGRADE_STEPS = ['explanation-deferred', 'smaller-ensemble', 'scorecard', 'referred'] as const
export type DegradeStep = (typeof DEGRADE_STEPS)[number]

/** One principal reason: a group of correlated features that spoke against the applicant, or a policy rule. */
const ReasonSchema = Type.Object({
  code: Type.String({
    description: 'Stable code, upper-kebab, e.g. RECENT-DELINQUENCY',
    unit: 'code',
    pii: 'sensitive',
    pattern: '^[A-Z0-9-]{1,64}$',
  }),
  text: text('Plain words, fit for an adverse-action notice', 256, 'sensitive'),
  group: text('Group of correlated features, or the policy rule', 64, 'sensitive'),
  contribution: logOdds('Sum of the group’s attributions; positive = adverse; 0 for a policy rule'),
  rank: integer('1 = most adverse', 'rank', 1, 4),
})
export type Reason = Readonly<Static<typeof ReasonSchema>>

const MemberMarginSchema = Type.Object({
  member: text('Ensemble member', 64),
  margin: logOdds('The member’s own margin'),
})

/** What scoring and policy say of one feature vector. Deterministic in (vector, application, bundle, policy, degrade step). */
const verdict = {
  decision: Type.Unsafe<DecisionOutcome>(choice('What was decided', [...OUTCOMES], 'sensitive')),
  probability: probabilityField('Calibrated probability of bad'),
  score: Type.Unsafe<Points>(
    number('Points: 600 at odds of 50:1 good:bad, 20 double the odds, higher is safer', 'points', -10_000, 10_000),
  ),
  /** What the attributions add up to, with `base`. */
  margin: logOdds('Ensemble margin before calibration'),
  base: logOdds('Mean ensemble margin over the bundle’s background, computed without the attributions'),
  /** A check, at most 1e-6 in magnitude; 0 where explanation was deferred. */
  residual: logOdds('margin − base − Σ attributions'),
  memberMargins: Type.Array(MemberMarginSchema, {
    description: 'Margins of the members consulted',
    maxItems: 16,
    unit: 'log-odds of bad',
    pii: 'sensitive',
  }),
  /** Empty where explanation was deferred or no model was consulted. */
  attributions: float64Vector('Shapley values, one per feature', 'log-odds of bad'),
  reasons: Type.Array(ReasonSchema, {
    description: 'Principal reasons, most adverse first',
    unit: 'reasons',
    pii: 'sensitive',
    maxItems: 4,
  }),
  cutOff: probabilityField('Probability of bad at and above which the decision is no longer approve'),
  ruleHit: nullable(text('Policy rule that decided, or null where the score did', 64)),
  degraded: nullable(Type.Unsafe<DegradeStep>(choice('Quality given up to keep the deadline, or null', [...DEGRADE_STEPS]))),
  modelVersion: text('Bundle, name@version', 128),
  bundleHash: hash('SHA-256 over the bundle’s files'),
  policyVersion: text('Policy, name@first 12 digits of its SHA-256', 128),
  featureSetHash: hash('SHA-256 over the feature definitions'),
  inTraining: flag('Whether the applicant was among those the model was fitted on'),
}
const VerdictSchema = Type.Object(verdict)
export type Verdict = Readonly<Static<typeof VerdictSchema>>

/** The part of a capsule that replay reproduces bit for bit. */
export const DecisionBodySchema = Type.Object(
  {
    partition: integer('Partition of the input record', 'partition', 0, 1_048_575, 'none'),
    offset: position('Offset of the input record'),
    inputHash: hash('SHA-256 of the input record’s value'),
    eventId: identifier('Event that was decided'),
    applicationId: identifier('Application decided', 'pseudonym'),
    applicantId: Type.Unsafe<ApplicantId>(identifier('Pseudonym of the borrower', 'pseudonym')),
    eventTime: instant('When the application was made'),
    product: text('Product applied for', 64),
    amount: money('Amount applied for'),
    currency: currency(),
    vector: float32Vector('Feature vector', 'see the feature dictionary'),
    ...verdict,
  },
  { title: 'decision-body', description: 'The deterministic part of a decision' },
)

/** State of a linked entity as it was read; the values read are in the vector. */
const LinkedReadingSchema = Type.Object({
  entity: choice('Kind of linked entity', [...LINKED_KINDS]),
  partition: integer('Partition of the linked-entities topic that its updates lie in', 'partition', 0, 1_048_575, 'none'),
  version: position('Just after the newest update that the values include; 0 where they include none'),
})
export type LinkedReading = Readonly<Static<typeof LinkedReadingSchema>>

/** The body where the vector was read off linked entities too. */
const LinkedDecisionBodySchema = Type.Object(
  {
    ...DecisionBodySchema.properties,
    linked: Type.Array(LinkedReadingSchema, {
      description: 'Linked entities that the vector was read off, as they were then',
      maxItems: LINKED_KINDS.length,
      unit: 'readings',
      pii: 'none',
    }),
  },
  { title: 'linked-decision-body', description: 'The deterministic part of a decision that linked entities bear on' },
)

/** `linked` is absent where the feature set reads no linked entities. */
export type DecisionBody = Readonly<Static<typeof DecisionBodySchema>> & { readonly linked?: readonly LinkedReading[] }

const microseconds = (description: string) => integer(description, 'µs', 0, 2_147_483_647, 'none')

/** Microseconds spent in each stage of the way of an event. */
const StagesSchema = Type.Object({
  queueUs: microseconds('From append to the start of its batch'),
  decodeUs: microseconds('Decoding and validating, its share of the batch'),
  stateUs: microseconds('Loading states, its share of the batch'),
  foldUs: microseconds('Folding and reading the vector'),
  scoreUs: microseconds('Members and calibration'),
  explainUs: microseconds('Attributions and reasons'),
  policyUs: microseconds('Policy'),
  commitUs: microseconds('Commit of the batch before, as far as it held this one up'),
  publishUs: microseconds('Encoding and handing to the decisions log'),
})
export type Stages = Readonly<Static<typeof StagesSchema>>

/** The part of a capsule that describes the run; neither hashed nor replayed. */
const DecisionEnvelopeSchema = Type.Object({
  decidedAt: instant('Wall clock at the decision'),
  stages: StagesSchema,
  host: text('Host that decided', 128),
  runtime: text('Runtime and processor that decided', 128),
})
export type DecisionEnvelope = Readonly<Static<typeof DecisionEnvelopeSchema>>

/** A record of the decisions log. Position-finding fields stand first, the body last: its bytes are the record's tail. */
export const DecisionSchema = Type.Object(
  {
    epoch: position('Offset of the claim under which it was decided'),
    previousHash: hash('Capsule hash of the decision before it in the partition; zeros for the first'),
    capsuleHash: hash('SHA-256(previousHash ‖ Avro bytes of the body)'),
    envelope: DecisionEnvelopeSchema,
    body: DecisionBodySchema,
  },
  { title: 'decision', description: 'A decision and what proves it' },
)
export type Decision = Readonly<Omit<Static<typeof DecisionSchema>, 'body'>> & { readonly body: DecisionBody }

export const LinkedDecisionSchema = Type.Object(
  { ...DecisionSchema.properties, body: LinkedDecisionBodySchema },
  { title: 'linked-decision', description: 'A decision that linked entities bear on, and what proves it' },
)

/** Taking ownership of a partition: a record of the decisions log whose offset is the owner's epoch. */
export const ClaimSchema = Type.Object(
  { owner: text('Process that claims', 128), claimedAt: instant('Wall clock at the claim') },
  { title: 'claim', description: 'An owner takes a partition over' },
)
export type Claim = Readonly<Static<typeof ClaimSchema>>

/** Previous hash of a partition's first decision. */
export const FIRST_HASH = '0'.repeat(64)

export const decisionId = (partition: number, offset: number): string => `${partition}-${offset}`

/** `3-117` → position of the input record; undefined where the text is no decision id. */
export const parseDecisionId = (id: string): { readonly partition: number; readonly offset: number } | undefined => {
  const match = /^(\d{1,7})-(\d{1,15})$/.exec(id)
  return match ? { partition: Number(match[1]), offset: Number(match[2]) } : undefined
}
