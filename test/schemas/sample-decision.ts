/** A decision of realistic size: 64 features, two members, four reasons. */
import { capsuleHash, encodeBody } from '#schemas/wire.ts'
import { type Decision, type DecisionBody, FIRST_HASH } from '#schemas/decision.ts'

const FEATURES = 64

export const sampleBody = (): DecisionBody =>
  ({
    partition: 3,
    offset: 117,
    inputHash: 'ab'.repeat(32),
    eventId: 'tw-00001-application',
    applicationId: 'tw-00001-1',
    applicantId: 'tw-00001',
    eventTime: 1_125_792_963_000,
    product: 'credit-line',
    amount: 24_500_000,
    currency: 'TWD',
    vector: Float32Array.from({ length: FEATURES }, (_, index) => (index % 9 === 3 ? Number.NaN : index / 7)),
    decision: 'decline',
    probability: 0.31,
    score: 487.5,
    margin: -0.8,
    base: -2.25,
    residual: 1e-8,
    memberMargins: [
      { member: 'trees', margin: -0.7 },
      { member: 'scorecard', margin: -0.9 },
    ],
    attributions: Float64Array.from({ length: FEATURES }, (_, index) => index / 1300),
    reasons: [1, 2, 3, 4].map((rank) => ({
      code: 'RECENT-DELINQUENCY',
      text: 'Payments were late in recent months',
      group: 'delinquency',
      contribution: 0.4 / rank,
      rank,
    })),
    cutOff: 0.2,
    ruleHit: null,
    degraded: null,
    modelVersion: 'credit@1.0.0',
    bundleHash: 'cd'.repeat(32),
    policyVersion: 'standard@0123456789ab',
    featureSetHash: 'ef'.repeat(32),
    inTraining: false,
  }) as unknown as DecisionBody

export const sampleDecision = (body: DecisionBody = sampleBody()): Decision => ({
  epoch: 5 as Decision['epoch'],
  previousHash: FIRST_HASH,
  capsuleHash: capsuleHash(FIRST_HASH, encodeBody(body)),
  envelope: {
    decidedAt: 1_700_000_000_000 as Decision['envelope']['decidedAt'],
    stages: { queueUs: 120, decodeUs: 2, stateUs: 3, foldUs: 4, scoreUs: 5, explainUs: 26, policyUs: 7, commitUs: 0, publishUs: 9 },
    host: 'host',
    runtime: 'node 22.23.3 x64',
  },
  body,
})
