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

export interface JudgedApplicants {
  readonly applicantIds: readonly string[]
  readonly labels: ArrayLike<number>
  readonly probabilities: Float64Array
  readonly cutOffs: { readonly refer: number; readonly decline: number }
  readonly groupsOf: GroupsOf
}

const countGroups = (judged: JudgedApplicants, attribute: string): GroupCounts[] => {
  const groups = new Map<string, { -readonly [Key in keyof GroupCounts]: GroupCounts[Key] }>()
  judged.applicantIds.forEach((applicant, row) => {
    const group = judged.groupsOf(applicant)?.[attribute]
    if (group === undefined || group === 'unknown') return
    const counts = groups.get(group) ?? { group, ...NOBODY }
    groups.set(group, counts)
    const probability = judged.probabilities[row]!
    const approved = probability < judged.cutOffs.refer
    if (approved) counts.approved++
    else if (probability < judged.cutOffs.decline) counts.referred++
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

/** One gate an attribute of which the vault knows something: its group with the least ratio of approval rates to the largest group's. */
export const fairnessGates = (judged: JudgedApplicants, limits: FairnessLimits): Gate[] => {
  const gates = BASES.flatMap((attribute) => {
    const counts = countGroups(judged, attribute)
    if (counts.length === 0) return []
    const gate = `four-fifths-${attribute}`
    const shown = groupFairness(counts, limits).flatMap((finding) =>
      finding.metric === 'adverse-impact-ratio' && finding.estimate !== null ? [{ ...finding, estimate: finding.estimate }] : [],
    )
    const [worst] = shown.toSorted((a, b) => a.estimate.value - b.estimate.value)
    if (worst === undefined)
      return [undecided(gate, `no two groups of ${attribute} with ${limits.groupMin} decisions each among the judged applicants`)]
    const { value, low, high } = worst.estimate
    return [
      verdict(
        gate,
        shown.every(({ state }) => state !== 'violation'),
        { value, low, high, threshold: limits.ratioMin },
        `${worst.group} (${worst.n}) is approved at ${(100 * value).toFixed(1)} % of the rate of ${worst.reference} [${(100 * low).toFixed(1)}, ${(100 * Math.min(high, 99)).toFixed(1)}], at least ${(100 * limits.ratioMin).toFixed(0)} % is due`,
      ),
    ]
  })
  return gates.length > 0 ? gates : [undecided('four-fifths', 'the vault knows no protected attributes of the judged applicants')]
}
