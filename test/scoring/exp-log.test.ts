import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exp, log, sigmoid } from '#scoring/exp-log.ts'

const bits = new BigInt64Array(2)
const floats = new Float64Array(bits.buffer)
/** Distance of two positive doubles in units of the last place. */
const ulps = (a: number, b: number): number => {
  if (Object.is(a, b)) return 0
  floats.set([a, b])
  return Math.abs(Number(bits[0]! - bits[1]!))
}

describe('exp and log of our own', () => {
  test('exp is within one unit in the last place of the engine’s', () => {
    fc.assert(
      fc.property(fc.double({ min: -745, max: 709.7, noNaN: true }), (x) => {
        expect(ulps(exp(x), Math.exp(x))).toBeLessThanOrEqual(1)
      }),
      { numRuns: 5000, examples: [[0], [-0], [1], [0.34657359027997264], [-708.5], [-744]] },
    )
  })
  test('log is within one unit in the last place of the engine’s', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }), (x) => {
        expect(Object.is(log(x), Math.log(x)) || ulps(Math.abs(log(x)), Math.abs(Math.log(x))) <= 1).toBe(true)
      }),
      { numRuns: 5000, examples: [[0], [1], [5e-324], [Math.SQRT1_2], [Math.SQRT2], [Number.MAX_VALUE], [1 - 2 ** -53]] },
    )
  })
  test('known bits stay: a change here would break the replay of old capsules', () => {
    const hex = (x: number): string => {
      floats[0] = x
      return BigInt.asUintN(64, bits[0]!).toString(16)
    }
    expect([exp(1), exp(-2.5), log(2), log(99), sigmoid(0.3)].map(hex)).toEqual([
      '4005bf0a8b14576a',
      '3fb50385c094f425',
      '3fe62e42fefa39ef',
      '4012616719161d2b',
      '3fe261d545e46a8b',
    ])
  })
  test('the ends of the range are those of IEEE 754', () => {
    expect([exp(710), exp(-746), exp(NaN), exp(-Infinity), log(-1), log(NaN), log(Infinity)]).toEqual([
      Infinity,
      0,
      NaN,
      0,
      NaN,
      NaN,
      Infinity,
    ])
  })
  test('sigmoid is monotone and symmetric about one half', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), fc.double({ min: 1e-9, max: 5, noNaN: true }), (x, step) => {
        expect(sigmoid(x + step)).toBeGreaterThanOrEqual(sigmoid(x))
        expect(Math.abs(sigmoid(x) + sigmoid(-x) - 1)).toBeLessThan(1e-15)
      }),
    )
  })
})
