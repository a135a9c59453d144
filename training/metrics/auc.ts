/** Area under the ROC curve with DeLong's variance, and the paired comparison of two scores on the same rows. */
import type { Interval } from '#registry/manifest.ts'

/** 97.5 % point of the standard normal. */
const Z95 = 1.959963984540054

/** Ranks from 1, ties sharing their mean rank. */
export const midranks = (values: ArrayLike<number>): Float64Array => {
  const order = Array.from({ length: values.length }, (_, index) => index).sort((a, b) => values[a]! - values[b]!)
  const ranks = new Float64Array(values.length)
  for (let start = 0; start < order.length;) {
    let end = start + 1
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let position = start; position < end; position++) ranks[order[position]!] = (start + 1 + end) / 2
    start = end
  }
  return ranks
}

interface Placements {
  readonly auc: number
  /** For each bad row, the share of goods it outranks; for each good row, the share of bads that outrank it. */
  readonly bads: Float64Array
  readonly goods: Float64Array
}

const split = (scores: ArrayLike<number>, labels: ArrayLike<number>): { bads: number[]; goods: number[] } => {
  const bads: number[] = []
  const goods: number[] = []
  for (let row = 0; row < scores.length; row++) (labels[row] === 1 ? bads : goods).push(scores[row]!)
  if (bads.length === 0 || goods.length === 0)
    throw new RangeError(`the ROC curve needs both outcomes, got ${bads.length} bads and ${goods.length} goods; widen the sample`)
  return { bads, goods }
}

/**
 * Structural components by midranks, O(n log n): X. Sun, W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal
 * Processing Letters 21 (2014) 1389–1393.
 */
const placements = (scores: ArrayLike<number>, labels: ArrayLike<number>): Placements => {
  const { bads, goods } = split(scores, labels)
  const [m, n] = [bads.length, goods.length]
  const all = midranks([...bads, ...goods])
  const within = midranks(bads)
  const withinGoods = midranks(goods)
  const badPlacements = Float64Array.from(bads, (_, index) => (all[index]! - within[index]!) / n)
  const goodPlacements = Float64Array.from(goods, (_, index) => 1 - (all[m + index]! - withinGoods[index]!) / m)
  return { auc: mean(badPlacements), bads: badPlacements, goods: goodPlacements }
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length

const covariance = (a: Float64Array, b: Float64Array): number => {
  const [meanA, meanB] = [mean(a), mean(b)]
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += (a[index]! - meanA) * (b[index]! - meanB)
  return sum / (a.length - 1)
}

const jointVariance = (a: Placements, b: Placements): number =>
  covariance(a.bads, b.bads) / a.bads.length + covariance(a.goods, b.goods) / a.goods.length

/**
 * Probability that a random bad scores above a random good, ties counted half; `scores` rise with risk, `labels` are 0 good, 1 bad.
 * The interval is DeLong's (E. R. DeLong et al., Biometrics 44 (1988) 837–845), clipped to [0, 1].
 */
export const auc = (scores: ArrayLike<number>, labels: ArrayLike<number>): Interval => {
  const components = placements(scores, labels)
  const half = Z95 * Math.sqrt(jointVariance(components, components))
  return { value: components.auc, low: Math.max(0, components.auc - half), high: Math.min(1, components.auc + half) }
}

/** AUC of `scores` minus AUC of `others` on the same rows, with DeLong's paired interval. */
export const aucDifference = (scores: ArrayLike<number>, others: ArrayLike<number>, labels: ArrayLike<number>): Interval => {
  const [a, b] = [placements(scores, labels), placements(others, labels)]
  const variance = jointVariance(a, a) + jointVariance(b, b) - 2 * jointVariance(a, b)
  const value = a.auc - b.auc
  const half = Z95 * Math.sqrt(Math.max(0, variance))
  return { value, low: value - half, high: value + half }
}

/** Gini coefficient (accuracy ratio) = 2·AUC − 1, the interval mapped with it. */
export const gini = (area: Interval): Interval => ({ value: 2 * area.value - 1, low: 2 * area.low - 1, high: 2 * area.high - 1 })
