/** Where a field's values lie, by sign and order of magnitude: 385 counters whatever the values, mergeable by adding. */

/** Counters per power of ten: one covers values within 15 % of each other. */
export const BINS_PER_DECADE = 16
/** Largest money magnitude is 1e12 minor units; larger values share the last counter. */
const DECADES = 12
const SIDE = BINS_PER_DECADE * DECADES
/** Negative values by falling magnitude, zero, positive values by rising magnitude: bins ascend with the value. */
export const MAGNITUDE_BINS = 2 * SIDE + 1

/** Values of magnitude below 1 are counted with 1: the fields watched are integers. */
export const magnitudeBin = (value: number): number => {
  if (value === 0) return SIDE
  const rank = Math.min(SIDE - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value)) * BINS_PER_DECADE)))
  return value > 0 ? SIDE + 1 + rank : SIDE - 1 - rank
}

/** log10 of the median of the positive values, to one counter; undefined where there are none. */
export const medianDecade = (counts: ArrayLike<number>): number | undefined => {
  let total = 0
  for (let bin = SIDE + 1; bin < MAGNITUDE_BINS; bin++) total += counts[bin]!
  if (total === 0) return undefined
  let below = 0
  for (let bin = SIDE + 1; bin < MAGNITUDE_BINS; bin++) {
    below += counts[bin]!
    if (below >= total / 2) return (bin - SIDE - 0.5) / BINS_PER_DECADE
  }
  return undefined
}

/** The counts as they would be had every value been multiplied by 10^(bins / BINS_PER_DECADE); what leaves the range stays at its end. */
export const scaled = (counts: ArrayLike<number>, bins: number): Float64Array => {
  const out = new Float64Array(MAGNITUDE_BINS)
  out[SIDE] = counts[SIDE]!
  const clamp = (rank: number): number => Math.min(SIDE - 1, Math.max(0, rank))
  for (let rank = 0; rank < SIDE; rank++) {
    out[SIDE + 1 + clamp(rank + bins)]! += counts[SIDE + 1 + rank]!
    out[SIDE - 1 - clamp(rank + bins)]! += counts[SIDE - 1 - rank]!
  }
  return out
}

/** Four neighbours together (a quarter of a decade): shapes are compared at a grain that a few hundred values fill. */
export const coarse = (counts: ArrayLike<number>): Float64Array => {
  const out = new Float64Array(Math.ceil(MAGNITUDE_BINS / 4))
  for (let bin = 0; bin < MAGNITUDE_BINS; bin++) out[bin >> 2]! += counts[bin]!
  return out
}
