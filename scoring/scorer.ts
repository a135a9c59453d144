/** Verdicts: margin, probability, policy, reasons; and what happens where a part of that fails or is given up to keep a deadline. */
import { isHoldout } from '#registry/holdout.ts'
import type { DecisionOutcome, DegradeStep, Reason, Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Points, Probability } from '#schemas/units.ts'
import type { Ensemble, Explainable } from './ensemble.ts'
import { byCutOffs, decideBy, ruleThatHolds } from './policy/apply-policy.ts'
import type { Policy, Rule } from './policy/policy.ts'
import type { ReasonRanking } from './reasons.ts'

/** Microseconds of the last decision's stages; all 0 without a clock. */
interface StageTimes {
  scoreUs: number
  explainUs: number
  policyUs: number
}

export interface ScorerParts {
  readonly ensemble: Ensemble
  readonly policy: Policy
  readonly cutOffs: { readonly refer: number; readonly decline: number }
  readonly ranking: ReasonRanking
  readonly features: number
  readonly points: (p: Probability) => Points
  /** Monotonic milliseconds, as performance.now; only for the stage times, never for a verdict. */
  readonly now: () => number
  readonly identity: Pick<Verdict, 'modelVersion' | 'bundleHash' | 'policyVersion' | 'featureSetHash'>
}

/** Margins by member and attributions of many rows; see {@link Scorer.prepare}. */
export interface PreparedRows {
  readonly margins: readonly Float64Array[]
  readonly attributions: Float64Array
  /** A row's share of the time, in µs. */
  readonly scoreUs: number
  readonly explainUs: number
}

export interface Scorer {
  readonly modelVersion: string
  readonly featureSetHash: string
  readonly bundleHash: string
  readonly policyVersion: string
  /** Overwritten by each decision. */
  readonly lastStages: Readonly<StageTimes>
  /** Why a member failed in the last decision, for the operator's log; null where none did. */
  lastFailure(): unknown
  /**
   * Verdict on the vector at `vectors[at .. at + d)`, NaN = missing. Deterministic in its arguments, bundle and policy.
   * @param degrade what to give up: `explanation-deferred` leaves out attributions and score reasons; `smaller-ensemble` and `scorecard` let the
   * scorecard decide alone (a bundle holds no smaller ensemble), and the verdict then says `scorecard`; `referred` consults no model. A member
   * that throws or gives a non-finite margin degrades to `scorecard`, and that one failing to `referred`.
   */
  decide(application: ApplicationEvent, vectors: Float32Array, at: number, degrade: DegradeStep | null, prepared?: PreparedRows): Verdict
  /**
   * Margins and attributions of the first `rows` rows of `vectors`, for {@link decide}: the kernels give each row the bits it has alone, and take a fraction of
   * the time. Undefined where a member fails: each row then degrades by itself.
   */
  prepare(vectors: Float32Array, rows: number): PreparedRows | undefined
}

/** A verdict before policy and reasons. */
type Scored = Pick<Verdict, 'probability' | 'margin' | 'base' | 'residual' | 'memberMargins' | 'attributions' | 'degraded'>

const NOTHING = new Float64Array(0)
const REFERRED: Reason = {
  code: 'NOT-SCORED-AUTOMATICALLY',
  text: 'The application could not be assessed automatically and is decided by a person',
  group: 'engine',
  contribution: 0,
  rank: 1,
}

class MemberFailure extends Error {}

const finite = (margin: number, member: string): number => {
  if (!Number.isFinite(margin)) throw new MemberFailure(`member ${member} gave the margin ${margin}`)
  return margin
}

const residualOf = (margin: number, base: number, attributions: Float64Array): number => {
  let residual = margin - base
  for (let i = 0; i < attributions.length; i++) residual -= attributions[i]!
  return residual
}

/** A scorer from its loaded parts. {@link loadScorer} makes the parts from files. */
export const scorerOf = ({ ensemble, policy, cutOffs, ranking, features, points, now, identity }: ScorerParts): Scorer => {
  const stages: StageTimes = { scoreUs: 0, explainUs: 0, policyUs: 0 }
  let failure: unknown = null
  const margins = ensemble.members.map(() => 0)

  const explained = (model: Explainable, margin: number, vectors: Float32Array, at: number) => {
    const attributions = new Float64Array(features)
    model.attribute(vectors, at, attributions)
    return { attributions, residual: residualOf(margin, model.base, attributions) }
  }

  const prepare = (vectors: Float32Array, rows: number): PreparedRows | undefined => {
    try {
      const started = now()
      const margins = ensemble.members.map((member) => member.batch(vectors, rows))
      const scored = now()
      const attributions = new Float64Array(rows * features)
      ensemble.attributeRows(vectors, rows, attributions)
      const share = 1_000 / rows
      return { margins, attributions, scoreUs: (scored - started) * share, explainUs: (now() - scored) * share }
    } catch {
      return undefined
    }
  }

  const foundFor = ({ attributions }: PreparedRows, at: number, margin: number) => {
    const own = attributions.subarray(at, at + features)
    return { attributions: own, residual: residualOf(margin, ensemble.base, own) }
  }

  const full = (vectors: Float32Array, at: number, defer: boolean, prepared: PreparedRows | undefined): Scored => {
    const started = now()
    for (let i = 0; i < margins.length; i++) {
      const member = ensemble.members[i]!
      margins[i] = finite(prepared === undefined ? member.one(vectors, at) : prepared.margins[i]![at / features]!, member.name)
    }
    const margin = ensemble.combine(margins)
    const probability = ensemble.probability(margin)
    const memberMargins = ensemble.members.map(({ name }, i) => ({ member: name, margin: margins[i]! }))
    const scored = now()
    const explanation = defer
      ? { attributions: NOTHING, residual: 0 }
      : prepared === undefined
        ? explained(ensemble, margin, vectors, at)
        : foundFor(prepared, at, margin)
    stages.scoreUs = (scored - started) * 1000 + (prepared?.scoreUs ?? 0)
    stages.explainUs = (now() - scored) * 1000 + (prepared?.explainUs ?? 0)
    return { probability, margin, base: ensemble.base, memberMargins, ...explanation, degraded: defer ? 'explanation-deferred' : null }
  }

  const scorecardAlone = (vectors: Float32Array, at: number): Scored => {
    const started = now()
    const { member, base, probability } = ensemble.fallback
    const margin = finite(member.one(vectors, at), member.name)
    const scored = now()
    const explanation = explained(ensemble.fallback, margin, vectors, at)
    stages.scoreUs = (scored - started) * 1000
    stages.explainUs = (now() - scored) * 1000
    const memberMargins = [{ member: member.name, margin }]
    return { probability: probability(margin), margin, base, memberMargins, ...explanation, degraded: 'scorecard' }
  }

  /** Knows nothing, so it stands at the base: the mean of the background. */
  const unscored = (): Scored => {
    stages.scoreUs = stages.explainUs = 0
    const { base } = ensemble
    return {
      probability: ensemble.probability(base),
      margin: base,
      base,
      residual: 0,
      memberMargins: [],
      attributions: NOTHING,
      degraded: 'referred',
    }
  }

  const score = (vectors: Float32Array, at: number, degrade: DegradeStep | null, prepared: PreparedRows | undefined): Scored => {
    failure = null
    if (degrade === 'referred') return unscored()
    try {
      if (degrade === null || degrade === 'explanation-deferred') return full(vectors, at, degrade !== null, prepared)
    } catch (error) {
      // The verdict says `scorecard`; whoever counts verdicts sees it.
      failure = error
    }
    try {
      return scorecardAlone(vectors, at)
    } catch (error) {
      failure = error
      return unscored()
    }
  }

  const reasonsOf = (scored: Scored, rule: Rule | null): Reason[] => {
    const reasons = ranking.of(scored.attributions, rule)
    return scored.degraded === 'referred' && rule === null ? [REFERRED] : reasons
  }

  const decide: Scorer['decide'] = (application, vectors, at, degrade, prepared) => {
    const scored = score(vectors, at, degrade, prepared)
    const started = now()
    const byScore: DecisionOutcome = scored.degraded === 'referred' ? 'refer' : byCutOffs(scored.probability, cutOffs)
    const { decision, rule } = decideBy(byScore, ruleThatHolds(policy, application, vectors, at))
    const verdict: Verdict = {
      ...scored,
      ...identity,
      decision,
      score: points(scored.probability),
      reasons: reasonsOf(scored, rule),
      cutOff: cutOffs.refer as Probability,
      ruleHit: rule?.id ?? null,
      inTraining: !isHoldout(application.applicantId),
    }
    stages.policyUs = (now() - started) * 1000
    return verdict
  }
  return { ...identity, lastStages: stages, lastFailure: () => failure, decide, prepare }
}
