import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reasonRanking } from '#scoring/reasons.ts'
import type { Rule } from '#scoring/policy/policy.ts'

const features = Array.from({ length: 12 }, (_, i) => `f${i}`)
const group = (code: string, members: readonly string[]) => ({
  code,
  group: code.toLowerCase(),
  text: `Because of ${code}`,
  features: members,
})
const groups = ['A', 'B', 'C', 'D', 'E', 'F'].map((code, g) => group(code, features.slice(2 * g, 2 * g + 2)))
const rule: Rule = {
  id: 'too-much',
  when: { kind: 'all', of: [] },
  decision: 'refer',
  reason: { code: 'TOO-MUCH', text: 'Too much' },
}

describe('principal reasons', () => {
  const ranking = reasonRanking(groups, features)
  test('are the adverse groups by their summed effect, at most four', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }), (values) => {
        const sums = new Map(groups.map(({ code }, g) => [code, 0 + values[2 * g]! + values[2 * g + 1]!]))
        const expected = [...sums]
          .filter(([, sum]) => sum > 0)
          .sort((a, b) => b[1] - a[1])
          .slice(0, 4)
        const reasons = ranking.of(Float64Array.from(values), null)
        expect(reasons.map(({ code, contribution }) => [code, contribution])).toEqual(expected)
        expect(reasons.map(({ rank }) => rank)).toEqual(expected.map((_, i) => i + 1))
      }),
    )
  })
  test('a group whose features cancel is not named, whatever its largest member', () => {
    expect(ranking.of(Float64Array.of(2, -2.5, 0.1, 0, ...Array<number>(8).fill(0)), null).map(({ code }) => code)).toEqual(['B'])
  })
  test('a rule that decided comes first with no contribution, and the four include it', () => {
    const reasons = ranking.of(
      Float64Array.from({ length: 12 }, (_, i) => 12 - i),
      rule,
    )
    expect(reasons.map(({ code }) => code)).toEqual(['TOO-MUCH', 'A', 'B', 'C'])
    expect(reasons[0]).toEqual({ code: 'TOO-MUCH', text: 'Too much', group: 'policy:too-much', contribution: 0, rank: 1 })
  })
  test('without attributions only a rule can be named', () => {
    expect(ranking.of(new Float64Array(0), null)).toEqual([])
    expect(ranking.of(new Float64Array(0), rule).map(({ code }) => code)).toEqual(['TOO-MUCH'])
  })
  test('groups must cover each feature once', () => {
    expect(() => reasonRanking([...groups, group('G', ['f0'])], features)).toThrow(/f0 is in the reason groups A and G/)
    expect(() => reasonRanking(groups.slice(1), features)).toThrow(/feature f0 is in no reason group/)
    expect(() => reasonRanking([group('A', ['f99'])], features)).toThrow(/no feature "f99"; nearest known: f9/)
  })
})
