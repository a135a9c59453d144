/**
 * The successor approves protected groups at comparable rates: four fifths, judged on applicants it was never fitted on, and on them against a
 * champion that approves as many, so that a stricter cut-off alone, which a riskier population asks for, is not taken for another ranking.
 */
import { type FairnessLimits, groupFairness, type GroupCounts } from '#monitoring/statistics/group-fairness.ts'
import type { Gate } from '#schemas/monitoring-events.ts'
import { type Estimate, Z95 } from '#monitoring/statistics/proportion-interval.ts'
import { DETAIL_MAX, undecided, verdict } from '#training/gates/verdict.ts'

/** Groups of one applicant by attribute, e.g. `sex` → `female`; absent where nothing is known. */
export type GroupsOf = (applicantId: string) => Readonly<Record<string, string>> | undefined

/** Attributes with which a creditor may not discriminate (12 CFR 1002.2(z)), as the vault names them; age in bands. */
const BASES = ['sex', 'age', 'maritalStatus', 'ethnicity', 'race', 'religion', 'nationalOrigin'] as const

const AGE_BANDS = [
  [18, '18-24'],
  [25, '25-39'],
  [40, '40-61'],
  [62, '62+'],
] as const

/** Groups from a vault row, as of a year. */
export const groupsFrom = (attributes: Readonly<Record<string, string>>, year: number): Record<string, string> => {
  const { birthYear, ...rest } = attributes
  const age = birthYear === undefined ? Number.NaN : year - Number(birthYear)
  const band = AGE_BANDS.findLast(([from]) => age >= from)
  return band === undefined ? rest : { ...rest, age: band[1] }
}

const NOBODY: Omit<GroupCounts, 'group'> = { approved: 0, referred: 0, declined: 0, goods: 0, goodsApproved: 0, bads: 0, badsApproved: 0 }

/** What a model would have decided. */
export interface JudgedModel {
  readonly probabilities: Float64Array
  readonly cutOffs: { readonly refer: number; readonly decline: number }
}

export interface JudgedApplicants {
  readonly applicantIds: readonly string[]
  readonly labels: ArrayLike<number>
  readonly groupsOf: GroupsOf
  /** Whether the vault holds all that was ever told, or only what one of several engines was told. */
  readonly vault: 'whole' | 'own-part'
}

/** Group of each judged row; undefined where nothing is known. */
type Membership = readonly (string | undefined)[]

const membershipOf = ({ applicantIds, groupsOf }: JudgedApplicants, attribute: string): Membership =>
  applicantIds.map((applicant) => {
    const group = groupsOf(applicant)?.[attribute]
    return group === 'unknown' ? undefined : group
  })

const countGroups = (judged: JudgedApplicants, model: JudgedModel, membership: Membership): GroupCounts[] => {
  const groups = new Map<string, { -readonly [Key in keyof GroupCounts]: GroupCounts[Key] }>()
  membership.forEach((group, row) => {
    if (group === undefined) return
    const counts = groups.get(group) ?? { group, ...NOBODY }
    groups.set(group, counts)
    const probability = model.probabilities[row]!
    const approved = probability < model.cutOffs.refer
    if (approved) counts.approved++
    else if (probability < model.cutOffs.decline) counts.referred++
    else counts.declined++
    if (judged.labels[row] === 1) {
      counts.bads++
      counts.badsApproved += Number(approved)
    } else {
      counts.goods++
      counts.goodsApproved += Number(approved)
    }
  })
  return [...groups.values()].toSorted((a, b) => (a.group < b.group ? -1 : 1))
}

interface Ratio {
  readonly group: string
  readonly reference: string
  readonly n: number
  readonly estimate: Estimate
  readonly violation: boolean
}

/** Ratios of approval rates to the largest group's, least first; groups without evidence are not among them. */
const ratiosOf = (counts: readonly GroupCounts[], limits: FairnessLimits): Ratio[] =>
  groupFairness(counts, limits)
    .flatMap(({ metric, estimate, group, reference, n, state }) =>
      metric === 'adverse-impact-ratio' && estimate !== null ? [{ group, reference, n, estimate, violation: state === 'violation' }] : [],
    )
    .toSorted((a, b) => a.estimate.value - b.estimate.value)

const approvals = ({ probabilities, cutOffs }: JudgedModel): Uint8Array =>
  Uint8Array.from(probabilities, (probability) => Number(probability < cutOffs.refer))

/** Those that the model would approve if it approved `count` of them: its safest. */
const approvalsOf = ({ probabilities }: JudgedModel, count: number): Uint8Array => {
  const cutOff = probabilities.toSorted()[count] ?? Infinity
  return Uint8Array.from(probabilities, (probability) => Number(probability < cutOff))
}

/** Natural logarithms of a group's approval rates under both models, less each other, with its variance: the same people are counted twice. */
const logRateChange = (
  rows: readonly number[],
  own: Uint8Array,
  other: Uint8Array,
): { readonly mean: number; readonly variance: number } => {
  let [a, b, both] = [0, 0, 0]
  for (const row of rows) {
    a += own[row]!
    b += other[row]!
    both += own[row]! & other[row]!
  }
  // Half an approval more, and one applicant: a rate of 0 has no logarithm.
  const n = rows.length + 1
  const [p, q, pq] = [(a + 0.5) / n, (b + 0.5) / n, (both + 0.5) / n]
  return { mean: Math.log(p / q), variance: ((1 - p) / p + (1 - q) / q - (2 * (pq - p * q)) / (p * q)) / n }
}

/**
 * The successor's ratio of approval rates as a multiple of the champion's, were it to approve as many, with its paired 95 % interval: delta method
 * on the logarithm of a ratio of dependent proportions (A. Agresti, Categorical Data Analysis, 3rd ed., sections 3.1 and 11.1).
 */
const changeOf = (membership: Membership, { group, reference }: Ratio, own: Uint8Array, other: Uint8Array): Estimate => {
  const rowsOf = (wanted: string): number[] => [...membership.keys()].filter((row) => membership[row] === wanted)
  const [mine, theirs] = [logRateChange(rowsOf(group), own, other), logRateChange(rowsOf(reference), own, other)]
  const mean = mine.mean - theirs.mean
  const error = Z95 * Math.sqrt(Math.max(0, mine.variance + theirs.variance))
  return { value: Math.exp(mean), low: Math.exp(mean - error), high: Math.exp(mean + error) }
}

/** What a ratio says of the successor, worst first: a violation that it brought, one that it may have brought, none or none of its own. */
const SEVERITY = ['failed', 'insufficient-evidence', 'passed'] as const satisfies readonly Gate['state'][]

const stateOf = ({ violation }: Ratio, change: Estimate): Gate['state'] =>
  !violation || change.value >= 1 ? 'passed' : change.high < 1 ? 'failed' : 'insufficient-evidence'

const percent = (share: number): string => `${(100 * Math.min(share, 99)).toFixed(1)} %`

const gateOf = (gate: string, { group, reference, n, estimate }: Ratio, change: Estimate, state: Gate['state'], ratioMin: number): Gate => {
  const { value, low, high } = estimate
  const detail = `${group} (${n}) is approved at ${percent(value)} of the rate of ${reference} [${percent(low)}, ${percent(high)}], ${percent(ratioMin)} is due; that is ${change.value.toFixed(2)} [${change.low.toFixed(2)}, ${change.high.toFixed(2)}] times the champion’s ratio, were it to approve as many`
  return { ...verdict(gate, state === 'passed', { value, low, high, threshold: ratioMin }, detail), state }
}

/** What a part of the vault can prove: nothing good of all where it knows no more than half of those judged. A failure stands. */
const asFarAsKnown = (gate: Gate, { applicantIds, groupsOf, vault }: JudgedApplicants): Gate => {
  if (vault === 'whole' || gate.state !== 'passed') return gate
  const known = applicantIds.filter((applicant) => groupsOf(applicant) !== undefined).length
  if (known * 2 > applicantIds.length) return gate
  const share = `this engine’s own vault knows ${known} of ${applicantIds.length} judged applicants`
  return { ...gate, state: 'insufficient-evidence', detail: `${share}; of them: ${gate.detail}`.slice(0, DETAIL_MAX) }
}

/**
 * One gate an attribute of which the vault knows something. Failed where a group's ratio of approval rates to the largest group's is a violation
 * (below four fifths, and chance does not explain it) that the successor brought: beyond chance it is worse than the champion's on the same
 * applicants, were that to approve as many. Where that is not shown either way the gate says so and does not decide: a successor is not held back
 * by what it has not mended yet. Where the vault is one engine's own part, a pass needs more than half of the judged applicants to be known there.
 */
export const fairnessGates = (judged: JudgedApplicants, successor: JudgedModel, champion: JudgedModel, limits: FairnessLimits): Gate[] => {
  const own = approvals(successor)
  const other = approvalsOf(
    champion,
    own.reduce((sum, approved) => sum + approved, 0),
  )
  const gates = BASES.flatMap((attribute) => {
    const membership = membershipOf(judged, attribute)
    const counts = countGroups(judged, successor, membership)
    if (counts.length === 0) return []
    const gate = `four-fifths-${attribute}`
    const told = ratiosOf(counts, limits).map((ratio) => {
      const change = changeOf(membership, ratio, own, other)
      return { ratio, change, state: stateOf(ratio, change) }
    })
    const [worst] = told.toSorted((a, b) => SEVERITY.indexOf(a.state) - SEVERITY.indexOf(b.state))
    if (worst === undefined)
      return [undecided(gate, `no two groups of ${attribute} with ${limits.groupMin} decisions each among the judged applicants`)]
    return [asFarAsKnown(gateOf(gate, worst.ratio, worst.change, worst.state, limits.ratioMin), judged)]
  })
  return gates.length > 0 ? gates : [undecided('four-fifths', 'the vault knows no protected attributes of the judged applicants')]
}
