/** Random event streams of one applicant, for properties. */
import fc from 'fast-check'
import type { ApplicationEvent, CreditEvent, PaymentEvent, StatementEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'

const envelope = (time: number) => ({
  eventId: 'e',
  applicantId: applicantId('a'),
  eventTime: epochMs(time),
  producer: 'test',
})

export const statementAt = (time: number, closingBalance: number, creditLimit: number, repaymentStatus: number): StatementEvent => ({
  ...envelope(time),
  kind: 'statement',
  accountId: 'card',
  period: '2025-01',
  closingBalance: moneyMinor(closingBalance),
  creditLimit: moneyMinor(creditLimit),
  currency: 'TWD',
  repaymentStatus,
})

export const paymentAt = (time: number, amount: number): PaymentEvent => ({
  ...envelope(time),
  kind: 'payment',
  accountId: 'card',
  amount: moneyMinor(amount),
  currency: 'TWD',
})

export const applicationAt = (time: number, amount = 100_000, extra: Partial<ApplicationEvent> = {}): ApplicationEvent => ({
  ...envelope(time),
  kind: 'application',
  applicationId: 'x',
  product: 'credit-line',
  amount: moneyMinor(amount),
  currency: 'TWD',
  termMonths: 12,
  purpose: 'any',
  channel: 'online',
  ...extra,
})

export const START = Date.UTC(2024, 0, 1)
const HOUR_MS = 3_600_000
/** Fourteen months of hours, coarse enough for ties, with month ends and a leap day among them. */
export const anyTime = fc.integer({ min: 0, max: 24 * 425 }).map((hours) => START + Math.floor(hours / 6) * 6 * HOUR_MS)

export const anyStatement = fc
  .record({
    time: anyTime,
    balance: fc.oneof(fc.integer({ min: -1_000_000, max: 100_000_000 }), fc.constant(0)),
    limit: fc.oneof(fc.integer({ min: 1, max: 100_000_000 }), fc.constant(0)),
    status: fc.integer({ min: -2, max: 8 }),
  })
  .map(({ time, balance, limit, status }) => statementAt(time, balance, limit, status))

export const anyPayment = fc
  .record({ time: anyTime, amount: fc.integer({ min: 1, max: 10_000_000 }) })
  .map(({ time, amount }) => paymentAt(time, amount))

export const anyApplication = fc
  .record({ time: anyTime, amount: fc.integer({ min: 0, max: 10_000_000 }), income: fc.option(fc.integer({ min: 0, max: 1_000_000 })) })
  .map(({ time, amount, income }) => applicationAt(time, amount, income === null ? {} : { incomeMonthly: moneyMinor(income) }))

const shuffled = (events: fc.Arbitrary<CreditEvent[]>) =>
  events.chain((all) => fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }))

/** Up to `scale` times what the rings of version 1 hold, in arbitrary order of arrival. */
export const anyStream = (scale = 1): fc.Arbitrary<CreditEvent[]> =>
  shuffled(
    fc
      .tuple(
        fc.array(anyStatement, { maxLength: 12 * scale, size: 'max' }),
        fc.array(anyPayment, { maxLength: 32 * scale, size: 'max' }),
        fc.array(anyApplication, { maxLength: 12 * scale, size: 'max' }),
      )
      .map((kinds): CreditEvent[] => kinds.flat()),
  )
