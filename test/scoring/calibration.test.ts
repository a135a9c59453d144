import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Probability } from '#schemas/units.ts'
import { calibrator, PROBABILITY_MAX, PROBABILITY_MIN } from '#scoring/calibration.ts'
import { pointsScale } from '#scoring/points.ts'

describe('calibration', () => {
  const isotonic = calibrator({ kind: 'isotonic', margins: [-2, 0, 1], probabilities: [0.05, 0.2, 0.2] })
  test('isotonic is linear between knots and flat beyond them', () => {
    expect([-5, -2, -1, 0, 0.5, 9].map(isotonic)).toEqual([0.05, 0.05, 0.125, 0.2, 0.2, 0.2])
  })
  test('Platt is the logistic function of slope · margin + intercept', () => {
    expect(calibrator({ kind: 'platt', slope: 2, intercept: -1 })(0.75)).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 15)
  })
  test('every map is monotone and stays within one in a million of 0 and 1', () => {
    const maps = [
      isotonic,
      calibrator({ kind: 'platt', slope: 1.3, intercept: 0.2 }),
      calibrator({ kind: 'isotonic', margins: [0, 1], probabilities: [0, 1] }),
    ]
    fc.assert(
      fc.property(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.double({ min: 0, max: 10, noNaN: true }), (margin, step) => {
        for (const map of maps) {
          expect(map(margin + step)).toBeGreaterThanOrEqual(map(margin))
          expect(map(margin)).toBeGreaterThanOrEqual(PROBABILITY_MIN)
          expect(map(margin)).toBeLessThanOrEqual(PROBABILITY_MAX)
        }
      }),
    )
  })
  test('a map that falls is refused', () => {
    expect(() => calibrator({ kind: 'platt', slope: -1, intercept: 0 })).toThrow(/slope must be positive/)
    expect(() => calibrator({ kind: 'isotonic', margins: [0, 1], probabilities: [0.3, 0.2] })).toThrow(/must not fall/)
    expect(() => calibrator({ kind: 'isotonic', margins: [], probabilities: [] })).toThrow(/at least one/)
  })
})

describe('points', () => {
  const scale = pointsScale({ pdo: 20, score: 600, odds: 50 })
  test('factor and offset of 600 at 50:1 with 20 points to double the odds', () => {
    expect(scale.factor).toBeCloseTo(28.853901, 6)
    expect(scale.offset).toBeCloseTo(487.122876, 6)
  })
  test('a probability of bad of 1 % is 619.710 points, odds of 50:1 are 600, and doubling the odds adds 20', () => {
    expect(scale.of(0.01 as Probability)).toBeCloseTo(619.71, 3)
    expect(scale.of((1 / 51) as Probability)).toBeCloseTo(600, 9)
    expect(scale.of((1 / 101) as Probability)).toBeCloseTo(620, 9)
  })
})
