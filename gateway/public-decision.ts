/** The decision as others read it: the public shape, and the whole capsule on request. */
import { decisionId, type Decision } from '#schemas/decision.ts'

const instant = (ms: number): string => new Date(ms).toISOString()

/** NaN, which is a missing feature, has no JSON number. */
const numbers = (values: Float32Array | Float64Array): (number | null)[] =>
  Array.from(values, (value) => (Number.isNaN(value) ? null : value))

export const publicDecision = ({ body, envelope, capsuleHash }: Decision) => ({
  decisionId: decisionId(body.partition, body.offset),
  eventId: body.eventId,
  applicationId: body.applicationId,
  applicantId: body.applicantId,
  eventTime: instant(body.eventTime),
  decidedAt: instant(envelope.decidedAt),
  product: body.product,
  amount: body.amount,
  currency: body.currency,
  decision: body.decision,
  probability: body.probability,
  score: body.score,
  modelVersion: body.modelVersion,
  policyVersion: body.policyVersion,
  featureSetHash: body.featureSetHash,
  margin: body.margin,
  base: body.base,
  cutOff: body.cutOff,
  ruleHit: body.ruleHit,
  reasons: body.reasons,
  degraded: body.degraded,
  capsuleHash,
  stages: envelope.stages,
})

/** Everything: the hashed body with vector and attributions, the chain, and the envelope of the run. */
export const publicCapsule = ({ body, previousHash, capsuleHash, envelope }: Decision) => ({
  decisionId: decisionId(body.partition, body.offset),
  body: { ...body, eventTime: instant(body.eventTime), vector: numbers(body.vector), attributions: numbers(body.attributions) },
  previousHash,
  capsuleHash,
  envelope: { ...envelope, decidedAt: instant(envelope.decidedAt) },
})
