/** The widest gaps over all groups of an attribute, as fairness libraries report them. */
import type { GroupCounts } from './group-fairness.ts'

export interface Disparity {
  /** Largest minus smallest, and smallest over largest, approval rate. */
  readonly demographicParityDifference: number
  readonly demographicParityRatio: number
  /** The larger gap (the smaller ratio) of those among goods and those among bads; null where a group lacks goods or bads. */
  readonly equalizedOddsDifference: number | null
  readonly equalizedOddsRatio: number | null
}

const spread = (rates: readonly number[]): { difference: number; ratio: number } => {
  const [low, high] = [Math.min(...rates), Math.max(...rates)]
  return { difference: high - low, ratio: high === 0 ? 1 : low / high }
}

/** Definitions as in Fairlearn (`demographic_parity_difference` and its siblings); undefined where no group has decisions. */
export const groupDisparity = (groups: readonly GroupCounts[]): Disparity | undefined => {
  const present = groups.filter(({ approved, referred, declined }) => approved + referred + declined > 0)
  if (present.length === 0) return undefined
  const selection = spread(present.map(({ approved, referred, declined }) => approved / (approved + referred + declined)))
  const known = present.every(({ goods, bads }) => goods > 0 && bads > 0)
  const good = known ? spread(present.map(({ goodsApproved, goods }) => goodsApproved / goods)) : null
  const bad = known ? spread(present.map(({ badsApproved, bads }) => badsApproved / bads)) : null
  return {
    demographicParityDifference: selection.difference,
    demographicParityRatio: selection.ratio,
    equalizedOddsDifference: good && bad && Math.max(good.difference, bad.difference),
    equalizedOddsRatio: good && bad && Math.min(good.ratio, bad.ratio),
  }
}
