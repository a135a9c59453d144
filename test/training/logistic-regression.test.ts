import { expect, test } from 'vitest'
import { invert, solve } from '#training/linear-solve.ts'
import { logisticRegression, sigmoid } from '#training/logistic-regression.ts'
import { reference } from './reference.ts'

const input = { values: Float64Array.from(reference.design), columns: 3, labels: reference.labels }

test('coefficients agree with scikit-learn’s unpenalised fit, standard errors with the inverse information', () => {
  const fit = logisticRegression(input)
  expect(fit.intercept).toBeCloseTo(reference.logistic.intercept, 6)
  reference.logistic.coefficients.forEach((expected, index) => expect(fit.coefficients[index]).toBeCloseTo(expected, 6))
  reference.logistic.errors.forEach((expected, index) => expect(fit.standardErrors[index]).toBeCloseTo(expected, 6))
})

test('a ridge shrinks coefficients as scikit-learn’s C = 1/ridge does', () => {
  const fit = logisticRegression({ ...input, ridge: reference.ridge.penalty })
  expect(fit.intercept).toBeCloseTo(reference.ridge.intercept, 5)
  reference.ridge.coefficients.forEach((expected, index) => expect(fit.coefficients[index]).toBeCloseTo(expected, 5))
})

test('separable data are refused without a ridge and fitted with one', () => {
  const separable = { values: Float64Array.of(-2, -1, 1, 2), columns: 1, labels: [0, 0, 1, 1] }
  expect(() => logisticRegression(separable)).toThrow(/ridge|singular/)
  expect(logisticRegression({ ...separable, ridge: 1 }).coefficients[0]).toBeGreaterThan(0)
})

test('two copies of one input are refused by name of the column', () => {
  expect(() => logisticRegression({ values: Float64Array.of(1, 1, 2, 2, 3, 3, 4, 4), columns: 2, labels: [0, 1, 0, 1] })).toThrow(
    'column 2',
  )
})

test('the logistic function neither overflows nor loses small probabilities', () => {
  expect(sigmoid(-745)).toBeGreaterThan(0)
  expect(sigmoid(800)).toBe(1)
  expect(sigmoid(-800)).toBe(0)
  expect(sigmoid(0)).toBe(0.5)
})

test('a positive-definite system is solved and inverted', () => {
  const matrix = Float64Array.of(4, 2, 2, 3)
  const rounded = (values: Float64Array): number[] => Array.from(values, (value) => Math.round(value * 1e12) / 1e12)
  expect(rounded(solve(matrix, Float64Array.of(10, 9)))).toEqual([1.5, 2])
  expect(rounded(invert(matrix, 2))).toEqual([0.375, -0.25, -0.25, 0.5])
})
