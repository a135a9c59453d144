import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupDisparity } from '#monitoring/statistics/group-disparity.ts'
import { type GroupCounts, groupFairness, referenceGroup } from '#monitoring/statistics/group-fairness.ts'
import { shareDifference, shareRatio, wilson } from '#monitoring/statistics/proportion-interval.ts'
import { fairness71, golden } from './golden.ts'

const LIMITS = { groupMin: 100, outcomesMin: 30, ratioMin: 0.8, opportunityGapMax: 0.1 }

const tally = (): GroupCounts[] => {
  const groups = [...new Set(fairness71.group)]
  return groups.map((group) => {
    const rows = fairness71.group.flatMap((one, row) => (one === group ? [row] : []))
    const count = (label: number | null, approved: number | null): number =>
      rows.filter(
        (row) => (label === null || fairness71.y_true[row] === label) && (approved === null || fairness71.y_pred[row] === approved),
      ).length
    return {
      group,
      approved: count(null, 1),
      referred: 0,
      declined: count(null, 0),
      goods: count(1, null),
      goodsApproved: count(1, 1),
      bads: count(0, null),
      badsApproved: count(0, 1),
    }
  })
}

test('disparities of the 71 rows are Fairlearn’s', () => {
  const found = groupDisparity(tally())!
  expect(found.demographicParityDifference).toBeCloseTo(golden.fairness['demographic_parity_difference']!, 6)
  expect(found.demographicParityRatio).toBeCloseTo(golden.fairness['demographic_parity_ratio']!, 6)
  expect(found.equalizedOddsDifference).toBeCloseTo(golden.fairness['equalized_odds_difference']!, 6)
  expect(found.equalizedOddsRatio).toBeCloseTo(golden.fairness['equalized_odds_ratio']!, 6)
})

const group = (name: string, approved: number, referred: number, declined: number, outcomes = [0, 0, 0, 0]): GroupCounts => ({
  group: name,
  approved,
  referred,
  declined,
  goods: outcomes[0]!,
  goodsApproved: outcomes[1]!,
  bads: outcomes[2]!,
  badsApproved: outcomes[3]!,
})

test('a group without enough decisions or outcomes has insufficient evidence, never 0', () => {
  const findings = groupFairness(
    [group('a', 500, 0, 500, [100, 80, 60, 20]), group('b', 10, 0, 30), group('c', 300, 0, 300, [200, 90, 0, 0])],
    LIMITS,
  )
  const state = (name: string, metric: string) => findings.find((one) => one.group === name && one.metric === metric)
  expect(state('b', 'adverse-impact-ratio')).toMatchObject({ state: 'insufficient-evidence', estimate: null, n: 40 })
  expect(state('c', 'equal-opportunity-difference')).toMatchObject({ state: 'insufficient-evidence', estimate: null })
  expect(state('c', 'adverse-impact-ratio')).toMatchObject({ state: 'ok' })
  expect(groupDisparity([group('a', 5, 0, 5, [3, 2, 0, 0])])?.equalizedOddsDifference).toBeNull()
})

test('four fifths is violated by a ratio below 0.8 that chance does not explain', () => {
  const against = (approved: number, declined: number) =>
    groupFairness([group('a', 800, 0, 200), group('b', approved, 0, declined)], LIMITS).find(
      (one) => one.group === 'b' && one.metric === 'adverse-impact-ratio',
    )
  expect(against(250, 250)).toMatchObject({ state: 'violation', reference: 'a' })
  expect(against(350, 150)).toMatchObject({ state: 'ok' })
  // 10 of 20 is below four fifths too, but too few to say so.
  expect(against(10, 10)).toMatchObject({ state: 'insufficient-evidence' })
})

test('referred applications are no approvals and are reported apart', () => {
  const findings = groupFairness([group('a', 100, 300, 100)], LIMITS)
  expect(findings.map(({ metric, estimate }) => [metric, estimate?.value])).toEqual([
    ['selection-rate', 0.2],
    ['referral-rate', 0.6],
  ])
})

test('the reference is the largest group unless one is configured', () => {
  const groups = [group('small', 9, 0, 1), group('large', 10, 5, 5)]
  expect(referenceGroup(groups)?.group).toBe('large')
  expect(referenceGroup(groups, 'small')?.group).toBe('small')
  expect(referenceGroup([])).toBeUndefined()
})

test('Wilson’s and Newcombe’s intervals are the published ones', () => {
  // R. Newcombe, Stat. Med. 17 (1998) 857–872 and 873–890: 81/263 by Wilson; 56/70 against 48/80 by method 10.
  const one = wilson(81, 263)
  expect([one.low, one.high].map((bound) => bound.toFixed(4))).toEqual(['0.2553', '0.3662'])
  const difference = shareDifference(wilson(56, 70), wilson(48, 80))
  expect([difference.low, difference.high].map((bound) => bound.toFixed(4))).toEqual(['0.0524', '0.3339'])
})

test('a ratio’s interval holds its value, and equal shares hold parity', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), fc.nat(400), fc.nat(400), (a, b, more, others) => {
      const ratio = shareRatio(wilson(a, a + more), wilson(b, b + others))!
      expect(ratio.low).toBeLessThanOrEqual(ratio.value + 1e-12)
      expect(ratio.high).toBeGreaterThanOrEqual(ratio.value - 1e-12)
      const same = shareRatio(wilson(a, a + more), wilson(a, a + more))!
      expect(same.low).toBeLessThanOrEqual(1)
      expect(same.high).toBeGreaterThanOrEqual(1)
    }),
  )
  expect(shareRatio(wilson(3, 9), wilson(0, 9))).toBeUndefined()
})
