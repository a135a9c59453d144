/** Weight of evidence and information value of binned counts. */

/**
 * WoE of each bin = ln(share of all goods in it / share of all bads in it): positive is safer than average. Counts must be positive in
 * every bin; merge bins until they are (I. J. Good, "Probability and the Weighing of Evidence", 1950).
 */
export const weightOfEvidence = (goods: ArrayLike<number>, bads: ArrayLike<number>): Float64Array => {
  const [goodTotal, badTotal] = [total(goods), total(bads)]
  return Float64Array.from(goods, (good, bin) => Math.log(good / goodTotal / (bads[bin]! / badTotal)))
}

/** Σ (share of goods − share of bads) · WoE: 0 says nothing, 0.02 weak, 0.1 medium, 0.3 strong (N. Siddiqi, "Credit Risk Scorecards", 2006). */
export const informationValue = (goods: ArrayLike<number>, bads: ArrayLike<number>): number => {
  const [goodTotal, badTotal] = [total(goods), total(bads)]
  return weightOfEvidence(goods, bads).reduce((sum, woe, bin) => sum + (goods[bin]! / goodTotal - bads[bin]! / badTotal) * woe, 0)
}

/** What one bin adds to the information value; the shares of goods and bads in it must be positive. */
export const informationTerm = (goodShare: number, badShare: number): number => (goodShare - badShare) * Math.log(goodShare / badShare)

const total = (counts: ArrayLike<number>): number => {
  let sum = 0
  for (let bin = 0; bin < counts.length; bin++) sum += counts[bin]!
  return sum
}
