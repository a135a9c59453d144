import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { count } from '#features/aggregates/count.ts'
import { distinct } from '#features/aggregates/distinct.ts'
import { longestStreak } from '#features/aggregates/longest-streak.ts'
import { max } from '#features/aggregates/max.ts'
import { mean } from '#features/aggregates/mean.ts'
import { quantile } from '#features/aggregates/quantile.ts'
import { slope } from '#features/aggregates/slope.ts'
import { std } from '#features/aggregates/std.ts'
import { sum } from '#features/aggregates/sum.ts'
import { compile } from '#features/compile/compile.ts'
import { field, greater, named, previous } from '#features/language/expression.ts'
import { feature } from '#features/language/feature.ts'
import { days, ever, hopping } from '#features/language/window.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { applicationAt, paymentAt, START } from './streams-of-events.ts'

const DAY_MS = 86_400_000
const by = 'applicant'
const on = 'payment'
const week = hopping(days(7), days(1))
const month = hopping(days(30), days(1))
const amount = { on, by, field: 'amount' } as const

const set = compile({
  definitions: [
    feature({ on, by, how: count(), window: week }),
    feature({ ...amount, how: sum(), window: week }),
    feature({ ...amount, how: sum(), window: month }),
    feature({ ...amount, how: max(), window: month }),
    feature({ ...amount, how: distinct(), window: month }),
    feature({ ...amount, how: quantile(0.9), window: ever() }),
    feature({ ...amount, how: sum(), window: ever() }),
    feature({ ...amount, how: mean(), window: ever() }),
    feature({ ...amount, how: std(), window: ever() }),
    feature({ ...amount, how: slope(), window: month }),
  ],
  capacities: {},
  latenessMs: 10 * DAY_MS,
})
/** Computed in floating point: alike to rounding, whatever the order; the others to the last bit. */
const ROUNDED = ['std', 'slope']
/** Of amounts up to 10^12 a part in 10^12: what differences of such sums keep where they nearly cancel. */
const ROUNDING = 1

const folded = (events: readonly CreditEvent[]): Uint8Array => {
  const state = set.emptyState()
  for (const event of events) set.fold(state, event)
  return state
}

const at = (day: number): number => START + day * DAY_MS
const valueOf = (events: readonly CreditEvent[], day: number, name: string): number =>
  set.values(folded(events), applicationAt(at(day)))[set.features.findIndex((one) => one.name === `applicant.payment.${name}`)]!

describe('windows over hops', () => {
  test('any order of arrival within the allowed lateness reads alike', () => {
    const anyPayments = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 60 * 24 }), fc.integer({ min: 1, max: 10 ** 12 }), fc.integer({ min: 0, max: 10 * 24 })),
      { maxLength: 300, size: 'max' },
    )
    fc.assert(
      fc.property(anyPayments, fc.integer({ min: -9, max: 0 }), (drawn, back) => {
        const events = drawn.map(([hour, money, delay]) => ({ event: paymentAt(START + hour * 3_600_000, money), arrival: hour + delay }))
        const inOrder = events.map(({ event }) => event).toSorted((a, b) => a.eventTime - b.eventTime)
        const asArrived = events.toSorted((a, b) => a.arrival - b.arrival).map(({ event }) => event)
        const newest = inOrder.at(-1)?.eventTime ?? START
        const application = applicationAt(newest + back * DAY_MS)
        const [a, b] = [inOrder, asArrived].map((some) => set.values(folded(some), application)) as [Float64Array, Float64Array]
        set.features.forEach(({ name, aggregate }, i) => {
          if (!ROUNDED.includes(aggregate)) expect(b[i], name).toBe(a[i])
          else
            expect(Object.is(a[i], b[i]) || Math.abs(a[i]! - b[i]!) <= 1e-9 * Math.abs(a[i]!) + ROUNDING, `${name} ${a[i]} ${b[i]}`).toBe(
              true,
            )
        })
      }),
      // Shrinking three hundred events takes longer than looking at the seed.
      { numRuns: 200, endOnFailure: true },
    )
  })

  test('a week reaches back six hops before the one it is asked in', () => {
    const payments = Array.from({ length: 40 }, (_, day) => paymentAt(at(day), 1))
    expect(valueOf(payments, 39, 'event.count.7d-by-1d')).toBe(7)
    expect(valueOf(payments, 39.9, 'event.count.7d-by-1d')).toBe(7)
    expect(valueOf(payments, 40, 'event.count.7d-by-1d')).toBe(6)
    expect(valueOf(payments, 30, 'amount.sum.30d-by-1d')).toBe(30)
    expect(valueOf(payments, 50, 'event.count.7d-by-1d')).toBe(0)
  })

  test('an application as late as allowed still finds its windows complete', () => {
    const payments = Array.from({ length: 60 }, (_, day) => paymentAt(at(day), 1))
    expect(valueOf(payments, 49, 'amount.sum.30d-by-1d')).toBe(30)
  })

  test('ten thousand events take no more bytes than one, and sums stay exact', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => paymentAt(START + i, 10 ** 11 + i))
    expect(folded(many)).toHaveLength(set.stateBytes)
    expect(valueOf(many, 1, 'amount.sum.ever')).toBe(many.reduce((total, payment) => total + payment.amount, 0))
  })

  test('bytes are charged once, to whoever needs them first', () => {
    expect(set.features.reduce((total, one) => total + one.stateBytes, 0)).toBe(set.stateBytes)
  })

  test('what needs the events themselves, or their predecessors, is refused', () => {
    const risen = named('risen', 'flag', 'risen', greater(field('payment', 'amount'), previous(field('payment', 'amount'))))
    expect(() => feature({ on, by, expression: risen, how: longestStreak(), window: week })).toThrow(
      /"longest-streak" has no meaning over the window "7d-by-1d"; use months or span or events or calendar-month/,
    )
    expect(() => feature({ on, by, where: risen, how: count(), window: week })).toThrow(/a partial result knows no event before this one/)
    expect(() => feature({ on: 'application', by, how: count(), window: week })).toThrow(/an application would count itself/)
  })
})
