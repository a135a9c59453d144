/** From attributions of features to steps of a waterfall: groups of reasons, largest first, that add up from base to margin. */
import type { Capsule } from '../api/types.ts'
import type { FeatureFact, ModelFacts } from './feature-facts.ts'

export interface GroupContribution {
  readonly code: string
  readonly group: string
  /** Plain words, as they would stand in a notice; empty where the group has none. */
  readonly text: string
  /** Log-odds of bad. */
  readonly contribution: number
  /** Indices into the vector. */
  readonly features: readonly number[]
}

/** Steps drawn by themselves; what is smaller is summed. */
const STEPS_MAX = 9

/** All groups with their sums, by size. Features that belong to no group make one of their own. */
export const groupContributions = (
  { body }: Capsule,
  dictionary: readonly FeatureFact[],
  model: ModelFacts,
): readonly GroupContribution[] => {
  const indexOf = new Map(dictionary.map(({ feature }, i) => [feature, i]))
  const left = new Set(body.attributions.keys())
  const sum = (features: readonly number[]): number => features.reduce((total, i) => total + (body.attributions[i] ?? 0), 0)
  const groups = model.reasonGroups.map(({ code, group, text, features }) => {
    const own = features.flatMap((name) => indexOf.get(name) ?? [])
    for (const i of own) left.delete(i)
    return { code, group, text, contribution: sum(own), features: own }
  })
  const rest = [...left]
  if (rest.length > 0) groups.push({ code: '', group: 'features of no group', text: '', contribution: sum(rest), features: rest })
  return groups.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
}

/** At most `STEPS_MAX` groups and, where there are more, their remainder as one step. */
export const steps = (groups: readonly GroupContribution[]): readonly GroupContribution[] => {
  if (groups.length <= STEPS_MAX + 1) return groups
  const rest = groups.slice(STEPS_MAX)
  return [
    ...groups.slice(0, STEPS_MAX),
    {
      code: '',
      group: `${rest.length} further groups`,
      text: '',
      contribution: rest.reduce((total, { contribution }) => total + contribution, 0),
      features: rest.flatMap(({ features }) => features),
    },
  ]
}

/** Margin at which the calibrated probability reaches `probability`; null where the map is not Platt's. */
export const marginAt = (probability: number, { platt }: ModelFacts): number | null =>
  platt === null || platt.slope === 0 ? null : (Math.log(probability / (1 - probability)) - platt.intercept) / platt.slope

/** Points that a contribution to the margin moves the score by; null where the map is not Platt's. */
export const pointsOf = (contribution: number, { platt, pdo }: ModelFacts): number | null =>
  platt === null ? null : (-contribution * platt.slope * pdo) / Math.LN2
