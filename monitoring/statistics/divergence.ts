/** Distances between two distributions over the same bins, given as counts or shares with a positive total. */

const shares = (counts: ArrayLike<number>): Float64Array => {
  const out = Float64Array.from(counts)
  let total = 0
  for (const count of out) total += count
  if (!(total > 0)) throw new RangeError(`a distribution needs observations, the ${out.length} bins hold ${total}`)
  for (let bin = 0; bin < out.length; bin++) out[bin]! /= total
  return out
}

/**
 * Jensen–Shannon distance: the square root of the divergence, a metric (D. Endres, J. Schindelin, IEEE Trans. Inf. Theory 49 (2003)
 * 1858–1860). Base 2: between 0 and 1. Empty bins need no correction.
 */
export const jensenShannonDistance = (first: ArrayLike<number>, second: ArrayLike<number>): number => {
  const [p, q] = [shares(first), shares(second)]
  let divergence = 0
  for (let bin = 0; bin < p.length; bin++) {
    const middle = (p[bin]! + q[bin]!) / 2
    if (p[bin]! > 0) divergence += (p[bin]! * Math.log2(p[bin]! / middle)) / 2
    if (q[bin]! > 0) divergence += (q[bin]! * Math.log2(q[bin]! / middle)) / 2
  }
  return Math.sqrt(Math.max(0, divergence))
}

/** Hellinger distance, between 0 and 1 (E. Hellinger, J. reine angew. Math. 136 (1909) 210–271, in the form with the factor 1/√2). */
export const hellingerDistance = (first: ArrayLike<number>, second: ArrayLike<number>): number => {
  const [p, q] = [shares(first), shares(second)]
  let sum = 0
  for (let bin = 0; bin < p.length; bin++) sum += (Math.sqrt(p[bin]!) - Math.sqrt(q[bin]!)) ** 2
  return Math.sqrt(sum / 2)
}
