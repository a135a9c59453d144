/** The two-sample Kolmogorov–Smirnov test, on samples and on counts over common bins. */
import { logGamma } from './log-gamma.ts'

/** Lattice points up to which the exact p-value is worked out: some 20 ms. Beyond, the limit is accurate to many digits anyway. */
const EXACT_POINTS_MAX = 4_000_000

/** Largest gap between the two cumulative distributions, in [0, 1]. Both samples ascend and are not empty; ties move together. */
export const ksStatistic = (first: ArrayLike<number>, second: ArrayLike<number>): number => {
  let [i, j, largest] = [0, 0, 0]
  while (i < first.length && j < second.length) {
    const at = Math.min(first[i]!, second[j]!)
    while (i < first.length && first[i]! <= at) i++
    while (j < second.length && second[j]! <= at) j++
    largest = Math.max(largest, Math.abs(i / first.length - j / second.length))
  }
  return largest
}

/**
 * The same from counts over common, ordered bins: the gap at the bins' edges, which is at most the samples' own. Its p-value therefore errs
 * towards not finding a difference. 0 where either has no observations.
 */
export const ksStatisticOfCounts = (first: ArrayLike<number>, second: ArrayLike<number>): number => {
  let [n, m] = [0, 0]
  for (let bin = 0; bin < first.length; bin++) {
    n += first[bin]!
    m += second[bin]!
  }
  if (n === 0 || m === 0) return 0
  let [below, belowOther, largest] = [0, 0, 0]
  for (let bin = 0; bin < first.length; bin++) {
    below += first[bin]!
    belowOther += second[bin]!
    largest = Math.max(largest, Math.abs(below / n - belowOther / m))
  }
  return largest
}

/**
 * P(D ≥ `statistic`) where both samples come from one continuous distribution, exactly: the share of lattice paths from (0, 0) to (n, m) that
 * reach a gap of `statistic` (J. Hodges, Arkiv för Matematik 3 (1958) 469–486). The recurrence carries the probability of having touched
 * the boundary, all terms of one sign, so that small p-values keep their digits. O(n·m).
 */
export const ksPValueExact = (statistic: number, n: number, m: number): number => {
  // Gaps are multiples of 1/(n·m): half of one keeps rounding out of the comparison.
  const bound = statistic - 0.5 / (n * m)
  const touched = new Float64Array(m + 1)
  for (let i = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      if (Math.abs(i / n - j / m) > bound) touched[j] = 1
      else if (i === 0 && j === 0) touched[j] = 0
      else touched[j] = ((i === 0 ? 0 : i * touched[j]!) + (j === 0 ? 0 : j * touched[j - 1]!)) / (i + j)
    }
  }
  return touched[m]!
}

/** Factorials kept: windows are seldom larger, and every feature of each asks for the same. */
const LOG_FACTORIALS_MAX = 65_536
let logFactorials = new Float64Array(0)

/** ln(0!) to ln(n!), or those that are kept of them. */
const logFactorialsTo = (n: number): Float64Array => {
  const length = Math.min(n + 1, LOG_FACTORIALS_MAX)
  if (logFactorials.length < length) logFactorials = Float64Array.from({ length }, (_, k) => logGamma(k + 1))
  return logFactorials
}

/** P(D⁺ ≥ d) for one sample of size n (N. Smirnov, Ann. Math. Stat. 19 (1948) 279–281): every term is positive. */
const smirnovTail = (n: number, d: number): number => {
  const kept = logFactorialsTo(n)
  const logFactorial = (k: number): number => (k < kept.length ? kept[k]! : logGamma(k + 1))
  const logN = logFactorial(n)
  let sum = 0
  for (let j = 0; j <= Math.floor(n * (1 - d)); j++) {
    const rest = 1 - d - j / n
    if (rest <= 0 && j < n) continue
    const log = logN - logFactorial(j) - logFactorial(n - j) + (j - 1) * Math.log(d + j / n) + (n - j) * Math.log(rest)
    sum += Math.exp(log)
  }
  return d * sum
}

/** From here on twice the one-sided tail is the two-sided one to 1e-3 of itself, and to 1e-10 from about 4 on. */
const ONE_SIDED_FROM = 1.5

/**
 * P(D ≥ `statistic`) in the limit: the one-sample law at the effective size n·m/(n + m). Small p-values are twice Smirnov's one-sided tail
 * (R. Simard, P. L'Ecuyer, J. Stat. Software 39 (2011), §2); large ones come from Kolmogorov's series with Stephens' correction
 * (M. Stephens, J. R. Stat. Soc. B 32 (1970) 115–122).
 */
export const ksPValueAsymptotic = (statistic: number, n: number, m: number): number => {
  const size = Math.round((n * m) / (n + m))
  if (size < 1 || statistic <= 0) return 1
  if (statistic >= 1) return 0
  if (size * statistic ** 2 >= ONE_SIDED_FROM) return Math.min(1, 2 * smirnovTail(size, statistic))
  const scaled = (Math.sqrt(size) + 0.12 + 0.11 / Math.sqrt(size)) * statistic
  // Below this the series alternates too slowly to mean anything, and the tail is 1 to nine digits.
  if (scaled < 0.3) return 1
  let sum = 0
  for (let k = 1; k <= 20; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * (k * scaled) ** 2)
  return Math.min(1, Math.max(0, sum))
}

/** Exact where that is affordable, else the limit. */
export const ksPValue = (statistic: number, n: number, m: number): number =>
  n * m <= EXACT_POINTS_MAX ? ksPValueExact(statistic, n, m) : ksPValueAsymptotic(statistic, n, m)
