import { describe, expect, test } from 'vitest'
import type { Aggregate } from '#features/aggregates/aggregate.ts'
import { count } from '#features/aggregates/count.ts'
import { daysSinceFirst } from '#features/aggregates/days-since-first.ts'
import { daysSinceLast } from '#features/aggregates/days-since-last.ts'
import { first } from '#features/aggregates/first.ts'
import { last } from '#features/aggregates/last.ts'
import { longestStreak } from '#features/aggregates/longest-streak.ts'
import { max } from '#features/aggregates/max.ts'
import { mean } from '#features/aggregates/mean.ts'
import { min } from '#features/aggregates/min.ts'
import { slope } from '#features/aggregates/slope.ts'
import { std } from '#features/aggregates/std.ts'
import { sum } from '#features/aggregates/sum.ts'

const DAY_MS = 86_400_000
const ORIGIN = Date.UTC(2025, 0, 1)
const DAYS = [0, 31.25, 59, 90, 120.5, 151]

const of = (aggregate: Aggregate, values: readonly number[], days: readonly number[] = DAYS, from = 0, to = values.length): number => {
  const out = new Float64Array(2).fill(-7)
  aggregate.reduce({
    values: Float64Array.from(values),
    times: Float64Array.from(days, (day) => ORIGIN + day * DAY_MS),
    from,
    to,
    instant: Float64Array.of(ORIGIN + 160 * DAY_MS),
    first: Float64Array.of(ORIGIN - 10 * DAY_MS),
    out,
    slot: 1,
  })
  expect(out[0]).toBe(-7)
  return out[1]!
}

const VALUES = [1_200, -350, 87_000, 42, 42, 999_999]

describe('aggregates', () => {
  test('mean, deviation and trend equal numpy 2: mean, std(ddof=1), polyfit(months, values, 1)', () => {
    expect(of(mean(), VALUES)).toBeCloseTo(181_322.166_666_666_66, 9)
    expect(of(std(), VALUES) / 402_567.310_466_419_6).toBeCloseTo(1, 12)
    expect(of(slope(), VALUES) / 142_380.327_872_335_15).toBeCloseTo(1, 12)
  })

  test('the others by hand', () => {
    expect(of(count(), VALUES)).toBe(6)
    expect(of(sum(), VALUES)).toBe(1_087_933)
    expect(of(min(), VALUES)).toBe(-350)
    expect(of(max(), VALUES)).toBe(999_999)
    expect(of(first(), VALUES)).toBe(1_200)
    expect(of(last(), VALUES)).toBe(999_999)
    expect(of(daysSinceLast(), VALUES)).toBe(9)
    expect(of(daysSinceFirst(), VALUES)).toBe(170)
    expect(of(longestStreak(), [1, 1, 0, 1, 1, 1])).toBe(3)
    expect(of(longestStreak(), [0, 0])).toBe(0)
  })

  test('only the window counts', () => {
    expect(of(sum(), VALUES, DAYS, 1, 3)).toBe(86_650)
    expect(of(first(), VALUES, DAYS, 1, 3)).toBe(-350)
    expect(of(last(), VALUES, DAYS, 1, 3)).toBe(87_000)
  })

  test('missing values are skipped, and do not break a streak', () => {
    const gaps = [NaN, 4, NaN, 6, NaN, NaN]
    expect([count(), sum(), mean(), min(), max(), first(), last()].map((aggregate) => of(aggregate, gaps))).toEqual([2, 10, 5, 4, 6, 4, 6])
    expect(of(daysSinceLast(), gaps)).toBe(70)
    expect(of(longestStreak(), [1, NaN, 1, 0, 1, NaN])).toBe(2)
  })

  test('of nothing, counts and sums are 0 and all else is missing', () => {
    for (const none of [[], [NaN, NaN]]) {
      expect([count(), sum()].map((aggregate) => of(aggregate, none))).toEqual([0, 0])
      for (const aggregate of [mean(), std(), min(), max(), first(), last(), slope(), daysSinceLast(), longestStreak()])
        expect(of(aggregate, none), aggregate.name).toBeNaN()
    }
  })

  test('one value has no deviation and no trend; nor have two at one instant', () => {
    expect(of(std(), [5])).toBeNaN()
    expect(of(slope(), [5])).toBeNaN()
    expect(of(slope(), [5, 9], [3, 3])).toBeNaN()
    expect(of(slope(), [5, 9], [3, 3 + 365.2425 / 12])).toBeCloseTo(4, 12)
  })
})
