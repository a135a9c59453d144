/** Decisions and claims as JSON records: a stand-in for the wire format, with the same facts. */
import type { Decision } from '#schemas/decision.ts'
import { applicantId, epochMs, moneyMinor, offset, points, probability } from '#schemas/units.ts'
import type { DecisionRecords } from '#gateway/ports.ts'

type Stored =
  | { claim: { owner: string; claimedAt: number } }
  | { epoch: number; at: number; partition: number; outcome: string; applicant: string; pad: string }

export const claimRecord = (owner: string): Uint8Array => Buffer.from(JSON.stringify({ claim: { owner, claimedAt: 0 } }))

/** A decision at input position (partition, at), written under `epoch`; `pad` makes it long. */
export const decisionRecord = (
  partition: number,
  at: number,
  epoch: number,
  facts: { outcome?: string; applicant?: string; pad?: string } = {},
): Uint8Array => Buffer.from(JSON.stringify({ epoch, at, partition, outcome: 'approve', applicant: `a-${at}`, pad: '', ...facts }))

export const exampleDecision = (
  partition: number,
  at: number,
  facts: { epoch?: number; outcome?: string; applicant?: string; pad?: string } = {},
): Decision => ({
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
    decision: (facts.outcome ?? 'approve') as 'approve',
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
  previousHash: '0'.repeat(64),
  capsuleHash: '3'.repeat(64),
  envelope: {
    epoch: offset(Math.max(0, facts.epoch ?? 0)),
    decidedAt: epochMs(1_700_000_000_000),
    stages: { queueUs: 1, decodeUs: 1, stateUs: 1, foldUs: 1, scoreUs: 1, explainUs: 1, policyUs: 1, commitUs: 1, publishUs: 1 },
    host: 'test',
    runtime: 'node',
  },
})

export const jsonRecords: DecisionRecords = {
  peek(value) {
    const stored = JSON.parse(Buffer.from(value).toString()) as Stored
    return 'claim' in stored ? { kind: 'claim' } : { kind: 'decision', epoch: stored.epoch, offset: stored.at }
  },
  decode(value) {
    const stored = JSON.parse(Buffer.from(value).toString()) as Stored
    if ('claim' in stored) return { kind: 'claim', claim: { owner: stored.claim.owner, claimedAt: epochMs(stored.claim.claimedAt) } }
    return { kind: 'decision', decision: exampleDecision(stored.partition, stored.at, stored) }
  },
}
