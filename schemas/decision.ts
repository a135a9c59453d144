/** What the engine says about an application: the verdict, the capsule that proves it, and the shape others read. */
import type { ApplicantId, EpochMs, MoneyMinor, Offset, Points, Probability } from './units.ts'

export type DecisionOutcome = 'approve' | 'refer' | 'decline'
/** In the order in which quality is given up to keep the deadline; `null` when nothing was. */
export type DegradeStep = 'explanation-deferred' | 'smaller-ensemble' | 'scorecard' | 'referred'

/** One principal reason: a group of correlated features that spoke against the applicant, or a policy rule. */
export interface Reason {
  /** Stable code, upper-kebab, e.g. `RECENT-DELINQUENCY`. */
  readonly code: string
  readonly text: string
  readonly group: string
  /** Sum of the group's attributions in log-odds of bad; positive = adverse. 0 for a policy rule. */
  readonly contribution: number
  /** 1 = most adverse. */
  readonly rank: number
}

/** What scoring and policy say of one feature vector. Deterministic in (vector, application, bundle, policy, degrade step). */
export interface Verdict {
  readonly decision: DecisionOutcome
  /** Calibrated probability of bad. */
  readonly probability: Probability
  readonly score: Points
  /** Ensemble margin: log-odds of bad before calibration. What the attributions add up to, with `base`. */
  readonly margin: number
  /** Mean ensemble margin over the bundle's background, computed without the attributions. */
  readonly base: number
  /** margin − base − Σ attributions; a check, at most 1e-6 in magnitude. 0 where explanation was deferred. */
  readonly residual: number
  readonly memberMargins: readonly { readonly member: string; readonly margin: number }[]
  /** One per feature, log-odds of bad; empty where explanation was deferred or no model was consulted. */
  readonly attributions: Float64Array
  readonly reasons: readonly Reason[]
  /** Probability of bad at and above which the decision is no longer `approve`. */
  readonly cutOff: Probability
  /** Policy rule that decided, or null where the score did. */
  readonly ruleHit: string | null
  readonly degraded: DegradeStep | null
  readonly modelVersion: string
  /** SHA-256 over the bundle's files, hex. */
  readonly bundleHash: string
  /** `<name>@<first 12 hex digits of the file's SHA-256>`. */
  readonly policyVersion: string
  readonly featureSetHash: string
  /** Whether the applicant was among those the model was fitted on (by the manifest's fixed hash rule). */
  readonly inTraining: boolean
}

/** The part of a capsule that replay reproduces bit for bit. */
export interface DecisionBody extends Verdict {
  readonly partition: number
  readonly offset: Offset
  /** SHA-256 of the input record's value, hex. */
  readonly inputHash: string
  readonly eventId: string
  readonly applicationId: string
  readonly applicantId: ApplicantId
  readonly eventTime: EpochMs
  readonly product: string
  readonly amount: MoneyMinor
  readonly currency: string
  readonly vector: Float32Array
}

/** Microseconds spent in each stage of the way of an event. */
export interface Stages {
  readonly queueUs: number
  readonly decodeUs: number
  readonly stateUs: number
  readonly foldUs: number
  readonly scoreUs: number
  readonly explainUs: number
  readonly policyUs: number
  readonly commitUs: number
  readonly publishUs: number
}

/** The part of a capsule that describes the run; neither hashed nor replayed. */
export interface DecisionEnvelope {
  readonly epoch: Offset
  readonly decidedAt: EpochMs
  readonly stages: Stages
  readonly host: string
  readonly runtime: string
}

/** A record of the decisions log. `capsuleHash` = SHA-256(previousHash ‖ Avro bytes of the body), chained per partition. */
export interface Decision {
  readonly body: DecisionBody
  /** Hex; 64 zeros for the first decision of a partition. */
  readonly previousHash: string
  readonly capsuleHash: string
  readonly envelope: DecisionEnvelope
}

/** Taking ownership of a partition: a record of the decisions log whose offset is the owner's epoch. */
export interface Claim {
  readonly owner: string
  readonly claimedAt: EpochMs
}

export const decisionId = (partition: number, offset: number): string => `${partition}-${offset}`
