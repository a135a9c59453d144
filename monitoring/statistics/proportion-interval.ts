/** Intervals of shares, of their differences and of their ratios. All are 95 % and built from Wilson's limits, which behave at 0 and 1. */

/** 97.5 % point of the standard normal. */
export const Z95 = 1.959_963_984_540_054

export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Share `hits / n` with Wilson's score interval (E. Wilson, J. Am. Stat. Assoc. 22 (1927) 209–212); `n` > 0. */
export const wilson = (hits: number, n: number): Estimate => {
  const value = hits / n
  const z2 = Z95 ** 2
  const centre = (hits + z2 / 2) / (n + z2)
  const half = (Z95 / (n + z2)) * Math.sqrt((hits * (n - hits)) / n + z2 / 4)
  return { value, low: hits === 0 ? 0 : Math.max(0, centre - half), high: hits === n ? 1 : Math.min(1, centre + half) }
}

/** First share minus second, Newcombe's hybrid score interval (R. Newcombe, Stat. Med. 17 (1998) 873–890, method 10). */
export const shareDifference = (first: Estimate, second: Estimate): Estimate => {
  const value = first.value - second.value
  return {
    value,
    low: value - Math.hypot(first.value - first.low, second.high - second.value),
    high: value + Math.hypot(first.high - first.value, second.value - second.low),
  }
}

/**
 * First share over second; the interval recovers variances from both shares' limits (A. Donner, G. Zou, Stat. Methods Med. Res. 21 (2012)
 * 347–359, eq. 9). Undefined where the second share is 0: a ratio to nothing is no evidence. `high` is Infinity where the second's lower
 * limit is 0.
 */
export const shareRatio = (first: Estimate, second: Estimate): Estimate | undefined => {
  if (second.value === 0) return undefined
  const product = first.value * second.value
  const bound = (own: number, other: number, sign: 1 | -1): number => {
    const spread = product ** 2 - own * other * (2 * first.value - own) * (2 * second.value - other)
    return (product + sign * Math.sqrt(Math.max(0, spread))) / (other * (2 * second.value - other))
  }
  const high = second.low === 0 ? Infinity : bound(first.high, second.low, 1)
  return { value: first.value / second.value, low: Math.max(0, bound(first.low, second.high, -1)), high }
}
