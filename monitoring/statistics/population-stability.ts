/** Population stability index: how far a window's distribution over fixed bins is from the reference's. */
import { chiSquareTail } from './chi-square.ts'

/** Share put in place of an empty bin, so that its logarithm exists: one in ten thousand, as is usual in practice. */
export const EMPTY_SHARE = 1e-4

const total = (counts: ArrayLike<number>): number => {
  let sum = 0
  for (let bin = 0; bin < counts.length; bin++) sum += counts[bin]!
  return sum
}

/**
 * PSI = Σ (q − p)·ln(q / p) over the bins, p the reference's shares and q the window's: Jeffreys' symmetrised divergence (S. Kullback,
 * R. Leibler, Ann. Math. Stat. 22 (1951) 79–86); as a credit-scoring index N. Siddiqi, "Credit Risk Scorecards", 2006. Counts or shares;
 * bins empty in both add nothing. 0 where either has no observations. Rules of thumb: below 0.1 stable, from 0.25 shifted.
 */
export const populationStability = (reference: ArrayLike<number>, window: ArrayLike<number>): number => {
  const [n, m] = [total(window), total(reference)]
  if (n === 0 || m === 0) return 0
  let sum = 0
  for (let bin = 0; bin < reference.length; bin++) {
    const [expected, found] = [reference[bin]!, window[bin]!]
    if (expected === 0 && found === 0) continue
    const p = expected === 0 ? EMPTY_SHARE : expected / m
    const q = found === 0 ? EMPTY_SHARE : found / n
    sum += (q - p) * Math.log(q / p)
  }
  return sum
}

/**
 * Probability of at least this PSI where nothing has changed: PSI / (1/n + 1/m) is then asymptotically chi-square with (bins − 1) degrees of
 * freedom, n and m being the sizes of window and reference (B. Yurdakul, J. Naranjo, "Statistical properties of the population stability
 * index", Journal of Risk Model Validation 14 (2020)). `bins` counts those that are not empty in both. 1 where there is nothing to compare.
 */
export const populationStabilityPValue = (psi: number, bins: number, n: number, m: number): number =>
  bins < 2 || n === 0 || m === 0 ? 1 : chiSquareTail(psi / (1 / n + 1 / m), bins - 1)

/** Bins that are not empty in both. */
export const occupiedBins = (reference: ArrayLike<number>, window: ArrayLike<number>): number => {
  let bins = 0
  for (let bin = 0; bin < reference.length; bin++) if (reference[bin]! > 0 || window[bin]! > 0) bins++
  return bins
}
