/** Intervals of shares. */

export interface Interval {
  readonly low: number
  readonly high: number
}

/** 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054

/** Wilson's score interval at 95 % for `successes` of `n` (E. B. Wilson, 1927); null for none. */
export const wilson = (successes: number, n: number): Interval | null => {
  if (n === 0) return null
  const share = successes / n
  const centre = share + (Z * Z) / (2 * n)
  const half = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n))
  const scale = 1 + (Z * Z) / n
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) }
}
