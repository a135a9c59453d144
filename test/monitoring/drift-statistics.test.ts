import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chiSquareHomogeneity, chiSquareTail } from '#monitoring/statistics/chi-square.ts'
import { hellingerDistance, jensenShannonDistance } from '#monitoring/statistics/divergence.ts'
import { ksPValue, ksPValueAsymptotic, ksPValueExact, ksStatistic, ksStatisticOfCounts } from '#monitoring/statistics/kolmogorov-smirnov.ts'
import { occupiedBins, populationStability, populationStabilityPValue } from '#monitoring/statistics/population-stability.ts'
import { wassersteinDistance } from '#monitoring/statistics/wasserstein.ts'
import { current, golden, reference } from './golden.ts'

const { drift } = golden

/** numpy's bins: left-closed, the last one closed on both sides; what lies outside is left out. */
const histogram = (values: Float64Array, edges: readonly number[]): number[] => {
  const counts = Array.from({ length: edges.length - 1 }, () => 0)
  for (const value of values) {
    const bin = value === edges.at(-1) ? counts.length - 1 : edges.findLastIndex((edge) => value >= edge)
    if (bin >= 0 && bin < counts.length) counts[bin] = counts[bin]! + 1
  }
  return counts
}
const equalBins = (low: number, high: number, bins: number): number[] =>
  Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low + ((high - low) * i) / bins))
const quantile = (values: Float64Array, share: number): number => {
  const at = share * (values.length - 1)
  const below = Math.floor(at)
  return values[below]! + (at - below) * (values[Math.min(below + 1, values.length - 1)]! - values[below]!)
}
const [least, greatest] = [reference[0]!, current.at(-1)!]
const sturges = equalBins(least, greatest, 12)
const both = (edges: readonly number[]): [number[], number[]] => [histogram(reference, edges), histogram(current, edges)]

test('PSI over the reference’s deciles is the published one', () => {
  const edges = [-Infinity, ...Array.from({ length: 9 }, (_, i) => quantile(reference, (i + 1) / 10)), Infinity]
  expect(populationStability(...both(edges))).toBeCloseTo(drift['psi_reference_deciles_eps_1e-4']!, 6)
})

test('PSI over Evidently’s and Frouros’ bins is theirs', () => {
  expect(populationStability(...both(sturges))).toBeCloseTo(drift['psi_evidently']!, 6)
  expect(populationStability(...both(equalBins(least, greatest, 10)))).toBeCloseTo(drift['psi_frouros_10_equal_width_pooled']!, 6)
})

test('Jensen–Shannon and Hellinger distances agree with NannyML and, in nats, with Evidently', () => {
  const [p, q] = both(equalBins(reference[0]!, reference.at(-1)!, 11))
  // NannyML puts what lies outside the reference into a bin of its own.
  const [first, second] = [
    [...p, 0],
    [...q, 1_000 - q.reduce((sum, count) => sum + count, 0)],
  ]
  expect(jensenShannonDistance(first, second)).toBeCloseTo(drift['jensen_shannon_nannyml_base2']!, 6)
  expect(hellingerDistance(first, second)).toBeCloseTo(drift['hellinger']!, 6)
  expect(jensenShannonDistance(...both(sturges)) * Math.sqrt(Math.LN2)).toBeCloseTo(drift['jensen_shannon_evidently_natural']!, 6)
})

test('the Kolmogorov–Smirnov statistic and both its p-values are scipy’s', () => {
  const statistic = ksStatistic(reference, current)
  expect(statistic).toBeCloseTo(drift['ks_statistic']!, 12)
  // The references give four digits.
  expect(ksPValueExact(statistic, 1_000, 1_000) / drift['ks_p_exact']!).toBeCloseTo(1, 3)
  expect(ksPValueAsymptotic(statistic, 1_000, 1_000) / drift['ks_p_asymptotic']!).toBeCloseTo(1, 3)
})

// scipy 1.17.1: the exact two-sided branch of ks_2samp (_attempt_exact_2kssamp).
test.each([
  { d: 0.3, n: 20, m: 30, exact: 0.20235672077103806 },
  { d: 0.5, n: 8, m: 12, exact: 0.1495594189092641 },
  { d: 0.1, n: 100, m: 150, exact: 0.562861170580314 },
])('the exact p-value at D = $d with $n and $m observations is scipy’s', ({ d, n, m, exact }) => {
  expect(ksPValueExact(d, n, m)).toBeCloseTo(exact, 10)
})

test('the p-value in the limit stays within 2 % of the exact one from 0.0004 to 0.6', () => {
  for (const d of [0.03, 0.04, 0.05, 0.06, 0.08]) {
    const [exact, limit] = [ksPValueExact(d, 1_500, 1_200), ksPValueAsymptotic(d, 1_500, 1_200)]
    expect(Math.abs(limit / exact - 1)).toBeLessThan(0.02)
  }
  expect(ksPValue(0.05, 1_500, 1_200)).toBe(ksPValueExact(0.05, 1_500, 1_200))
  expect(ksPValue(0.05, 15_000, 12_000)).toBe(ksPValueAsymptotic(0.05, 15_000, 12_000))
})

test('a gap measured on bins is never larger than the samples’ own', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 60 }), (values) => {
      const sample = Float64Array.from(values).sort()
      const edges = [-Infinity, -1, 0, 1, Infinity]
      const binned = ksStatisticOfCounts(histogram(sample, edges), histogram(reference, edges))
      expect(binned).toBeLessThanOrEqual(ksStatistic(sample, reference) + 1e-12)
    }),
  )
})

test('the Wasserstein distance of the shifted sample is its shift', () => {
  const mean = reference.reduce((sum, value) => sum + value, 0) / 1_000
  const sigma = Math.sqrt(reference.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 1_000)
  expect(wassersteinDistance(reference, current) / sigma).toBeCloseTo(drift['wasserstein_over_sigma']!, 6)
})

// scipy 1.17.1: chi2.sf(x, k).
test.each([
  { x: 3.841458820694124, k: 1, tail: 0.05 },
  { x: 16.918977604620448, k: 9, tail: 0.05 },
  { x: 100, k: 9, tail: 1.5735176303753876e-17 },
  { x: 0.5, k: 12, tail: 0.9999997261864366 },
])('the chi-square tail at $x with $k degrees is scipy’s', ({ x, k, tail }) => {
  expect(chiSquareTail(x, k) / tail).toBeCloseTo(1, 9)
})

test('homogeneity of two samples of counts is scipy’s chi2_contingency without correction', () => {
  // scipy 1.17.1: chi2_contingency([[10, 20, 30], [6, 9, 17]], correction=False)
  const found = chiSquareHomogeneity([10, 20, 30], [6, 9, 17])
  expect(found.statistic).toBeCloseTo(0.27157465150403504, 10)
  expect(found.pValue).toBeCloseTo(0.873028283380073, 10)
  expect(found.degrees).toBe(2)
  expect(chiSquareHomogeneity([5, 0], [9, 0])).toEqual({ statistic: 0, degrees: 0, pValue: 1 })
})

const counts = fc.array(fc.nat({ max: 500 }), { minLength: 10, maxLength: 10 })

test('every distance is zero between equal shares, symmetric where it should be, and never negative', () => {
  fc.assert(
    fc.property(counts, counts, fc.integer({ min: 1, max: 7 }), (p, q, factor) => {
      fc.pre(p.some((count) => count > 0) && q.some((count) => count > 0))
      const scaled = p.map((count) => count * factor)
      expect(populationStability(p, scaled)).toBeCloseTo(0, 12)
      expect(jensenShannonDistance(p, scaled)).toBeCloseTo(0, 6)
      expect(populationStability(p, q)).toBeGreaterThanOrEqual(0)
      expect(populationStability(p, q)).toBeCloseTo(populationStability(q, p), 9)
      expect(jensenShannonDistance(p, q)).toBeLessThanOrEqual(1 + 1e-12)
    }),
  )
})

test('under no change the PSI’s p-value is uniform enough: one in twenty windows falls below 0.05', () => {
  let state = 20_261_121
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  const draw = (n: number): number[] => {
    const bins = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < n; i++) bins[Math.floor(random() * 10)]! += 1
    return bins
  }
  let below = 0
  for (let round = 0; round < 2_000; round++) {
    const [p, q] = [draw(5_000), draw(1_000)]
    if (populationStabilityPValue(populationStability(p, q), occupiedBins(p, q), 1_000, 5_000) < 0.05) below++
  }
  expect(below / 2_000).toBeGreaterThan(0.035)
  expect(below / 2_000).toBeLessThan(0.07)
})
