/** Principal reasons: the groups of features that spoke against the applicant. */
import type { ReasonGroup } from '#registry/manifest.ts'
import type { Reason } from '#schemas/decision.ts'
import { nearestNames } from '#schemas/nearest.ts'
import type { Rule } from './policy/policy.ts'

/** Official interpretation of Regulation B (12 CFR 1002.9(b)(2)): more than four reasons are not likely to help the applicant. */
const REASONS_MAX = 4

/**
 * Reads reasons off attributions. Correlated features are summed in their group; a group counts where its sum is positive, adverse to the
 * applicant; groups rank by their sum, equal ones in the manifest's order. Approvals list what weighed against them in the same way.
 */
export interface ReasonRanking {
  /** @param rule the rule that decided, named first with contribution 0; at most four reasons in all. */
  of(attributions: Float64Array, rule: Rule | null): Reason[]
}

const ruleReason = ({ id, reason }: Rule): Reason => ({ ...reason, group: `policy:${id}`, contribution: 0, rank: 1 })

/** @throws Error where a group names a feature the model does not have, or two groups share one. */
export const reasonRanking = (groups: readonly ReasonGroup[], features: readonly string[]): ReasonRanking => {
  const owner = new Int32Array(features.length).fill(-1)
  for (const [index, { code, features: members }] of groups.entries())
    for (const name of members) {
      const at = features.indexOf(name)
      if (at === -1)
        throw new Error(`reason group ${code}: no feature "${name}"; nearest known: ${nearestNames(name, features).join(', ')}`)
      if (owner[at] !== -1)
        throw new Error(`feature ${name} is in the reason groups ${groups[owner[at]!]!.code} and ${code}; give it to one`)
      owner[at] = index
    }
  const orphan = owner.indexOf(-1)
  if (orphan !== -1)
    throw new Error(`feature ${features[orphan]} is in no reason group; add it to one, so that every attribution can be named`)
  const sums = new Float64Array(groups.length)
  return {
    of: (attributions, rule) => {
      const reasons = rule === null ? [] : [ruleReason(rule)]
      if (attributions.length === 0) return reasons
      sums.fill(0)
      for (let i = 0; i < owner.length; i++) sums[owner[i]!] = sums[owner[i]!]! + attributions[i]!
      while (reasons.length < REASONS_MAX) {
        let worst = -1
        for (let g = 0; g < sums.length; g++) if (sums[g]! > (worst === -1 ? 0 : sums[worst]!)) worst = g
        if (worst === -1) break
        const { code, text, group } = groups[worst]!
        reasons.push({ code, text, group, contribution: sums[worst]!, rank: reasons.length + 1 })
        sums[worst] = 0
      }
      return reasons
    },
  }
}
