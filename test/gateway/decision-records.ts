/** Decisions and claims as they stand in the log, with made-up content. */
import type { Decision, DecisionOutcome } from '#schemas/decision.ts'
import { applicantId, epochMs, moneyMinor, offset, points, probability } from '#schemas/units.ts'
import { encodeClaim, encodeDecision } from '#schemas/wire.ts'

interface Facts {
  readonly epoch?: number
  readonly outcome?: string
  readonly applicant?: string
  /** Makes the record long. */
  readonly pad?: string
}

export const claimRecord = (owner: string): Uint8Array => encodeClaim({ owner, claimedAt: epochMs(0) })

/** A decision at input position (partition, at), written under `epoch`. */
export const decisionRecord = (partition: number, at: number, epoch: number, facts: Facts = {}): Uint8Array =>
  encodeDecision(exampleDecision(partition, at, { ...facts, epoch }))

export const exampleDecision = (partition: number, at: number, facts: Facts = {}): Decision => ({
  body: {
    partition,
    offset: offset(at),
    inputHash: '0'.repeat(64),
    eventId: `e-${partition}-${at}`,
    applicationId: `app-${partition}-${at}`,
    applicantId: applicantId(facts.applicant ?? 'a-1'),
    eventTime: epochMs(1_700_000_000_000),
    product: at % 2 === 0 ? 'credit-line' : 'mortgage',
    amount: moneyMinor(100_000),
    currency: 'TWD',
    vector: Float32Array.of(1, Number.NaN, 3),
    decision: (facts.outcome ?? 'approve') as DecisionOutcome,
    probability: probability(0.125),
    score: points(612),
    margin: -1.5,
    base: -1,
    residual: 0,
    memberMargins: [{ member: 'trees', margin: -1.5 }],
    attributions: Float64Array.of(-0.5, 0, 0),
    reasons: [{ code: 'RECENT-DELINQUENCY', text: `Late payments ${facts.pad ?? ''}`, group: 'delinquency', contribution: 0.25, rank: 1 }],
    cutOff: probability(0.3),
    ruleHit: null,
    degraded: null,
    modelVersion: 'm-1',
    bundleHash: '1'.repeat(64),
    policyVersion: 'policy@123456789abc',
    featureSetHash: '2'.repeat(64),
    inTraining: false,
  },
  epoch: offset(facts.epoch ?? 0),
  previousHash: '0'.repeat(64),
  capsuleHash: '3'.repeat(64),
  envelope: {
    decidedAt: epochMs(1_700_000_000_000),
    stages: { queueUs: 1, decodeUs: 1, stateUs: 1, foldUs: 1, scoreUs: 1, explainUs: 1, policyUs: 1, commitUs: 1, publishUs: 1 },
    host: 'test',
    runtime: 'node',
  },
})
