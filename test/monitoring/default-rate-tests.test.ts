import { expect, test } from 'vitest'
import { binomialTestPValue, jeffreysTestPValue } from '#monitoring/statistics/default-rate-tests.ts'
import { incompleteBeta } from '#monitoring/statistics/incomplete-beta.ts'
import { golden } from './golden.ts'

test('binomial and Jeffreys tests of a default rate give the reference p-values', () => {
  const { n, defaults, pd, binomial_p, jeffreys_p } = golden.calibration.binomial_vs_jeffreys
  expect(binomialTestPValue(defaults, n, pd)).toBeCloseTo(binomial_p, 6)
  expect(jeffreysTestPValue(defaults, n, pd)).toBeCloseTo(jeffreys_p, 6)
})

test('no bads at all never alarm, nothing but bads always does', () => {
  expect(binomialTestPValue(0, 100, 0.1)).toBe(1)
  expect(binomialTestPValue(100, 100, 0.1)).toBeLessThan(1e-90)
})

test('the two halves of the beta distribution add up to one', () => {
  for (const x of [0, 0.01, 0.3, 0.7, 0.999, 1]) expect(incompleteBeta(2.5, 40, x) + incompleteBeta(40, 2.5, 1 - x)).toBeCloseTo(1, 12)
})
