/** What the gateway answers, as far as the pages read it. Described in /openapi.json. */
export type Outcome = 'approve' | 'refer' | 'decline'
export const OUTCOMES: readonly Outcome[] = ['approve', 'refer', 'decline']

export interface Reason {
  readonly code: string
  readonly text: string
  readonly group: string
  /** Log-odds of bad. */
  readonly contribution: number
  readonly rank: number
}

/** Microseconds. */
export type Stages = Readonly<Record<Stage, number>>
export type Stage = 'queueUs' | 'decodeUs' | 'stateUs' | 'foldUs' | 'scoreUs' | 'explainUs' | 'policyUs' | 'commitUs' | 'publishUs'

export interface Decision {
  readonly decisionId: string
  readonly eventId: string
  readonly applicationId: string
  readonly applicantId: string
  readonly eventTime: string
  readonly decidedAt: string
  readonly product: string
  /** Minor units of `currency`. */
  readonly amount: number
  readonly currency: string
  readonly decision: Outcome
  readonly probability: number
  readonly score: number
  readonly modelVersion: string
  readonly policyVersion: string
  readonly margin: number
  readonly base: number
  readonly cutOff: number
  readonly ruleHit: string | null
  readonly reasons: readonly Reason[]
  readonly degraded: string | null
  readonly capsuleHash: string
  readonly stages: Stages
}

export interface Capsule {
  readonly decisionId: string
  readonly body: Omit<Decision, 'decisionId' | 'decidedAt' | 'stages' | 'capsuleHash'> & {
    readonly partition: number
    readonly offset: number
    readonly inputHash: string
    readonly bundleHash: string
    readonly featureSetHash: string
    readonly residual: number
    readonly epoch?: number
    readonly vector: readonly (number | null)[]
    readonly attributions: readonly (number | null)[]
    readonly memberMargins: readonly { readonly member: string; readonly margin: number }[]
  }
  readonly previousHash: string
  readonly capsuleHash: string
  readonly envelope: { readonly decidedAt: string; readonly stages: Stages; readonly host: string; readonly runtime: string }
}

/** What monitoring found, as far as the pages read it. */
export interface FeedAlert {
  readonly alertId: string
  readonly state: 'open' | 'resolved'
  readonly kind: string
  readonly detail: string
  readonly raisedAt: string
}

export type FeedMessage =
  | ({ readonly cursor: string; readonly kind: 'decision' } & Decision)
  | { readonly cursor: string; readonly kind: 'conflated'; readonly skipped: Readonly<Record<Outcome, number>> }
  | { readonly cursor: string; readonly kind: 'alert'; readonly alert: FeedAlert }
