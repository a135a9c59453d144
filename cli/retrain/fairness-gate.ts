/** The successor approves protected groups at comparable rates: four fifths, judged on the applicants it was never fitted on. */
import { type FairnessLimits, groupFairness, type GroupCounts } from '#monitoring/statistics/group-fairness.ts'
import type { Gate } from '#schemas/monitoring-events.ts'
import { undecided, verdict } from '#training/gates/verdict.ts'

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
}

const countGroups = (judged: JudgedApplicants, model: JudgedModel, attribute: string): GroupCounts[] => {
  const groups = new Map<string, { -readonly [Key in keyof GroupCounts]: GroupCounts[Key] }>()
  judged.applicantIds.forEach((applicant, row) => {
    const group = judged.groupsOf(applicant)?.[attribute]
    if (group === undefined || group === 'unknown') return
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
  readonly estimate: { readonly value: number; readonly low: number; readonly high: number }
  readonly violation: boolean
}

/** Ratios of approval rates to the largest group's, least first; groups without evidence are not among them. */
const ratiosOf = (counts: readonly GroupCounts[], limits: FairnessLimits): Ratio[] =>
  groupFairness(counts, limits)
    .flatMap(({ metric, estimate, group, reference, n, state }) =>
      metric === 'adverse-impact-ratio' && estimate !== null ? [{ group, reference, n, estimate, violation: state === 'violation' }] : [],
    )
    .toSorted((a, b) => a.estimate.value - b.estimate.value)

const percent = (share: number): string => `${(100 * Math.min(share, 99)).toFixed(1)} %`

/**
 * One gate an attribute of which the vault knows something: its group with the least ratio of approval rates to the largest group's. Failed where
 * that is a violation (below four fifths, and chance does not explain it) and the champion treats its own worst group better on the same
 * applicants: a successor that is fairer than what it replaces is not held back by what it has not mended yet.
 */
export const fairnessGates = (judged: JudgedApplicants, successor: JudgedModel, champion: JudgedModel, limits: FairnessLimits): Gate[] => {
  const gates = BASES.flatMap((attribute) => {
    const counts = countGroups(judged, successor, attribute)
    if (counts.length === 0) return []
    const gate = `four-fifths-${attribute}`
    const [worst] = ratiosOf(counts, limits)
    if (worst === undefined)
      return [undecided(gate, `no two groups of ${attribute} with ${limits.groupMin} decisions each among the judged applicants`)]
    const before = ratiosOf(countGroups(judged, champion, attribute), limits)[0]?.estimate.value ?? Infinity
    const { value, low, high } = worst.estimate
    return [
      verdict(
        gate,
        !worst.violation || value > before,
        { value, low, high, threshold: limits.ratioMin },
        `${worst.group} (${worst.n}) is approved at ${percent(value)} of the rate of ${worst.reference} [${percent(low)}, ${percent(high)}], ${percent(limits.ratioMin)} is due; under the champion the worst group at ${percent(before)}`,
      ),
    ]
  })
  return gates.length > 0 ? gates : [undecided('four-fifths', 'the vault knows no protected attributes of the judged applicants')]
}
