import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { creditFeatureSet as set } from '#features/credit-v1.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { naiveValue } from './naive-oracle.ts'
import { anyApplication, anyPayment, anyStatement, anyStream, applicationAt, paymentAt, statementAt } from './streams-of-events.ts'

const folded = (events: readonly CreditEvent[]): Uint8Array => {
  const state = set.emptyState()
  for (const event of events) set.fold(state, event)
  return state
}

const vectorOf = (events: readonly CreditEvent[], application: ApplicationEvent): Float32Array => {
  const out = new Float32Array(set.size)
  set.vector(folded(events), application, out, 0)
  return out
}

const valueOf = (vector: Float32Array, name: string): number => {
  const position = set.features.findIndex((feature) => feature.name === name)
  expect(position, name).toBeGreaterThanOrEqual(0)
  return vector[position]!
}

/** Float32 rounding (6e-8), and what two orders of summation may differ by where values cancel. */
const close = (actual: number, expected: number): boolean =>
  Number.isNaN(expected) ? Number.isNaN(actual) : Math.abs(actual - expected) <= 1e-6 * Math.abs(expected) + 1e-6

describe('credit features, version 1', () => {
  test('every feature agrees with the plain oracle on random streams in any order of arrival', () => {
    fc.assert(
      fc.property(anyStream(), anyApplication, (events, application) => {
        const vector = vectorOf(events, application)
        set.definitions.forEach((definition, i) => {
          const expected = naiveValue(definition, events, application)
          if (!close(vector[i]!, expected)) expect(vector[i], definition.name).toBe(expected)
        })
      }),
      { numRuns: 400 },
    )
  })

  test('a small history by hand', () => {
    const day = (month: number, date: number): number => Date.UTC(2025, month - 1, date)
    const events = [
      statementAt(day(1, 15), 10_000, 100_000, 0),
      paymentAt(day(2, 10), 4_000),
      statementAt(day(2, 15), 20_000, 100_000, -1),
      statementAt(day(3, 15), 30_000, 100_000, 1),
      paymentAt(day(4, 1), 30_000),
      paymentAt(day(4, 12), 10_000),
      statementAt(day(4, 15), 5_000, 50_000, 2),
    ]
    const vector = vectorOf(events, applicationAt(day(4, 20), 25_000))
    const of = (name: string): number => valueOf(vector, `applicant.${name}`)
    expect(of('application.amount.stated.now')).toBe(25_000)
    expect(of('application.incomeMonthly.stated.now')).toBeNaN()
    expect(of('application.amountToLimit.ratio.now-6mo')).toBe(0.5)
    expect(of('application.event.count.6mo')).toBe(0)
    expect(of('statement.event.count.6mo')).toBe(4)
    expect(of('statement.event.days-since-first.ever')).toBe(95)
    expect(of('statement.closingBalance.mean.6mo')).toBe(16_250)
    // The three months reach back to 20 January, exclusive: the first statement is outside.
    expect(of('statement.closingBalance.mean.3mo')).toBeCloseTo(55_000 / 3, 2)
    expect(of('statement.utilisation.last.6mo')).toBeCloseTo(0.1, 6)
    expect(of('statement.utilisation.max.6mo')).toBeCloseTo(0.3, 6)
    expect(of('statement.repaymentStatus.max.3mo')).toBe(2)
    expect(of('statement.repaymentStatusBefore.last.6mo')).toBe(1)
    expect(of('statement.late.count.6mo')).toBe(2)
    expect(of('statement.late.longest-streak.6mo')).toBe(2)
    expect(of('statement.severelyLate.longest-streak.6mo')).toBe(1)
    // Paid of the bills before: 4,000 of 10,000; nothing of 20,000; 40,000 of 30,000, which counts as all.
    expect(of('statement.paidShare.mean.6mo')).toBeCloseTo((0.4 + 0 + 1) / 3, 6)
    expect(of('statement.paidInFull.mean.6mo')).toBeCloseTo(1 / 3, 6)
    expect(of('statement.missed.count.6mo')).toBe(1)
    expect(of('statement.newCharges.last.6mo')).toBe(5_000 - 30_000 + 40_000)
    expect(of('payment.event.count.6mo')).toBe(3)
    expect(of('payment.amount.sum.1mo')).toBe(40_000)
    expect(of('payment.event.days-since-last.ever')).toBe(8)
    expect(of('payment.paidToBilled.ratio.6mo')).toBeCloseTo(44_000 / 65_000, 6)
  })

  test('of an unknown applicant only counts, sums and what the application states are known', () => {
    const vector = vectorOf([], applicationAt(Date.UTC(2025, 0, 1)))
    set.features.forEach(({ name, aggregate }, i) => {
      const isKnown = aggregate === 'count' || aggregate === 'sum' || name.includes('.amount.stated') || name.includes('.termMonths.')
      expect(Number.isNaN(vector[i]), name).toBe(!isKnown)
    })
  })

  test('no event later than the application moves its vector, folded before or after', () => {
    const laterEvent = fc.oneof(anyStatement, anyPayment, anyApplication)
    fc.assert(
      fc.property(anyStream(0.5), fc.array(laterEvent, { maxLength: 6 }), anyApplication, (events, later, application) => {
        const after = later.map((event) => ({
          ...event,
          eventTime: (application.eventTime + 1 + (event.eventTime % 1e9)) as typeof event.eventTime,
        }))
        const plain = vectorOf(events, application)
        expect(vectorOf([...events, ...after], application)).toEqual(plain)
        expect(vectorOf([...after, ...events], application)).toEqual(plain)
      }),
      { numRuns: 200 },
    )
  })

  test('an application never counts itself, folded or not', () => {
    const application = applicationAt(Date.UTC(2025, 5, 1))
    const earlier = applicationAt(Date.UTC(2025, 4, 1))
    expect(vectorOf([earlier, application], application)).toEqual(vectorOf([earlier], application))
    expect(valueOf(vectorOf([earlier, application], application), 'applicant.application.event.count.6mo')).toBe(1)
  })

  test('events at the instant of the application count, those at the open end of a window do not', () => {
    const t = Date.UTC(2025, 2, 31, 12)
    const monthBack = Date.UTC(2025, 1, 28, 12)
    const sum = (events: readonly CreditEvent[]): number => valueOf(vectorOf(events, applicationAt(t)), 'applicant.payment.amount.sum.1mo')
    expect(sum([paymentAt(t, 7)])).toBe(7)
    expect(sum([paymentAt(t + 1, 7)])).toBe(0)
    expect(sum([paymentAt(monthBack, 7)])).toBe(0)
    expect(sum([paymentAt(monthBack + 1, 7)])).toBe(7)
  })

  test('sums of money are exact before they are rounded to float32', () => {
    const t = Date.UTC(2025, 5, 1)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000_000_000 }), { minLength: 1, maxLength: 32 }), (amounts) => {
        const vector = vectorOf(
          amounts.map((amount, i) => paymentAt(t - i, amount)),
          applicationAt(t),
        )
        const exact = Number(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n))
        expect(valueOf(vector, 'applicant.payment.amount.sum.6mo')).toBe(Math.fround(exact))
      }),
    )
  })

  test('writes at the place asked for and nowhere else', () => {
    const out = new Float32Array(set.size + 4).fill(-7)
    set.vector(set.emptyState(), applicationAt(Date.UTC(2025, 0, 1)), out, 2)
    expect([...out.subarray(0, 2), ...out.subarray(set.size + 2)]).toEqual([-7, -7, -7, -7])
    expect(() => set.vector(set.emptyState(), applicationAt(0), out, 5)).toThrow(/does not fit at 5/)
  })

  test('reads no state it is not given: interleaved applicants do not touch one another', () => {
    fc.assert(
      fc.property(anyStream(0.5), anyStream(0.5), anyApplication, (mine, theirs, application) => {
        const [a, b] = [set.emptyState(), set.emptyState()]
        for (let i = 0; i < Math.max(mine.length, theirs.length); i++) {
          if (mine[i] !== undefined) set.fold(a, mine[i]!)
          if (theirs[i] !== undefined) set.fold(b, theirs[i]!)
        }
        const out = new Float32Array(2 * set.size)
        set.vector(a, application, out, 0)
        set.vector(b, application, out, set.size)
        expect(out.slice(0, set.size)).toEqual(vectorOf(mine, application))
        expect(out.slice(set.size)).toEqual(vectorOf(theirs, application))
      }),
      { numRuns: 100 },
    )
  })
})
