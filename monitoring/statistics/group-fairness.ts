/**
 * Fairness of decisions between groups of one protected attribute. Favourable = approved; referred applications are no approvals and are
 * counted apart. A good borrower is one whose observed outcome was good.
 */
import { type Estimate, shareDifference, shareRatio, wilson } from './proportion-interval.ts'

export interface GroupCounts {
  readonly group: string
  readonly approved: number
  readonly referred: number
  readonly declined: number
  /** Observed outcomes among them: goods (and approved among the goods), bads (and approved among the bads). */
  readonly goods: number
  readonly goodsApproved: number
  readonly bads: number
  readonly badsApproved: number
}

export type FairnessMetric =
  | 'selection-rate'
  | 'referral-rate'
  | 'demographic-parity-difference'
  | 'adverse-impact-ratio'
  | 'equal-opportunity-difference'
  | 'false-approval-difference'

export interface FairnessFinding {
  readonly group: string
  readonly reference: string
  readonly metric: FairnessMetric
  readonly n: number
  /** Null where the evidence does not suffice. */
  readonly estimate: Estimate | null
  readonly state: 'ok' | 'violation' | 'insufficient-evidence'
}

export interface FairnessLimits {
  /** Fewest decisions of a group. */
  readonly groupMin: number
  /** Fewest observed goods, and fewest observed bads, of a group for metrics that need outcomes. */
  readonly outcomesMin: number
  /** Least ratio of selection rates: four fifths (29 CFR 1607.4 D). */
  readonly ratioMin: number
  /** Largest gap between groups' approval rates among good borrowers. */
  readonly opportunityGapMax: number
}

const decided = (counts: GroupCounts): number => counts.approved + counts.referred + counts.declined

/** The configured group, or the one with most decisions; of equals the first. Undefined where no group has any. */
export const referenceGroup = (groups: readonly GroupCounts[], configured?: string): GroupCounts | undefined =>
  groups.find(({ group }) => group === configured) ??
  groups
    .filter((one) => decided(one) > 0)
    .reduce<GroupCounts | undefined>((best, one) => (best && decided(best) >= decided(one) ? best : one), undefined)

type Verdict = (estimate: Estimate) => boolean

/** A violation is a point estimate beyond the limit whose interval excludes parity: a gap that chance alone explains is none. */
const compare = (
  group: GroupCounts,
  reference: GroupCounts,
  metric: FairnessMetric,
  n: number,
  estimate: Estimate | undefined,
  violates: Verdict,
): FairnessFinding => ({
  group: group.group,
  reference: reference.group,
  metric,
  n,
  estimate: estimate ?? null,
  state: estimate === undefined ? 'insufficient-evidence' : violates(estimate) ? 'violation' : 'ok',
})

const never: Verdict = () => false

const rates = (group: GroupCounts, reference: GroupCounts, limits: FairnessLimits): FairnessFinding[] => {
  const n = decided(group)
  const enough = n >= limits.groupMin
  const rate = (metric: FairnessMetric, count: number) => compare(group, reference, metric, n, enough ? wilson(count, n) : undefined, never)
  return [rate('selection-rate', group.approved), rate('referral-rate', group.referred)]
}

const parity = (group: GroupCounts, reference: GroupCounts, limits: FairnessLimits): FairnessFinding[] => {
  const [n, m] = [decided(group), decided(reference)]
  const enough = n >= limits.groupMin && m >= limits.groupMin
  const [own, other] = enough ? [wilson(group.approved, n), wilson(reference.approved, m)] : []
  const difference = own && other && shareDifference(own, other)
  const ratio = own && other && shareRatio(own, other)
  return [
    compare(group, reference, 'demographic-parity-difference', n, difference, never),
    compare(group, reference, 'adverse-impact-ratio', n, ratio, ({ value, high }) => value < limits.ratioMin && high < 1),
  ]
}

const opportunity = (group: GroupCounts, reference: GroupCounts, limits: FairnessLimits): FairnessFinding[] => {
  const known = (counts: GroupCounts): boolean =>
    decided(counts) >= limits.groupMin && counts.goods >= limits.outcomesMin && counts.bads >= limits.outcomesMin
  const enough = known(group) && known(reference)
  const goods = enough
    ? shareDifference(wilson(group.goodsApproved, group.goods), wilson(reference.goodsApproved, reference.goods))
    : undefined
  const bads = enough ? shareDifference(wilson(group.badsApproved, group.bads), wilson(reference.badsApproved, reference.bads)) : undefined
  return [
    compare(
      group,
      reference,
      'equal-opportunity-difference',
      group.goods,
      goods,
      ({ value, high }) => value < -limits.opportunityGapMax && high < 0,
    ),
    compare(group, reference, 'false-approval-difference', group.bads, bads, never),
  ]
}

/**
 * Every group against the reference: its rates, and for the others the gaps. Groups without observed outcomes of both kinds in sufficient number
 * get `insufficient-evidence`, never 0. Definitions: M. Hardt, E. Price, N. Srebro, "Equality of opportunity in supervised learning", 2016;
 * four fifths: Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D, as used for credit.
 */
export const groupFairness = (groups: readonly GroupCounts[], limits: FairnessLimits, configured?: string): FairnessFinding[] => {
  const reference = referenceGroup(groups, configured)
  if (reference === undefined) return []
  return groups.flatMap((group) => [
    ...rates(group, reference, limits),
    ...(group === reference ? [] : [...parity(group, reference, limits), ...opportunity(group, reference, limits)]),
  ])
}
