/** A made-up portfolio, from a seed: monthly statements and payments, two transactions a week, an application at the end. */
import type { CreditEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'

const DAY_MS = 86_400_000
const START = Date.UTC(2024, 0, 1)
export const MONTHS = 12

/** A linear congruential generator (Numerical Recipes): plenty for amounts. */
const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 0x1_0000_0000
}

/** One applicant's year, in order of event time, the application last. */
export const year = (index: number): readonly CreditEvent[] => {
  const random = randomOf(index * 7_919 + 1)
  const integer = (most: number): number => Math.floor(random() * most)
  const events: CreditEvent[] = []
  const envelope = (time: number) => ({
    eventId: `${index}-${events.length}`,
    applicantId: applicantId(`p${index}`),
    eventTime: epochMs(Math.floor(time)),
    producer: 'bench',
    currency: 'EUR',
  })
  const limit = moneyMinor(100_000 * (1 + integer(50)))
  for (let month = 0; month < MONTHS; month++) {
    const from = START + month * 30.4 * DAY_MS
    for (let i = 0; i < 8; i++)
      events.push({
        ...envelope(from + (i + random()) * 3.5 * DAY_MS),
        kind: 'transaction',
        accountId: 'a',
        amount: moneyMinor(integer(100_000)),
        direction: random() < 0.6 ? 'out' : 'in',
        category: 'food',
      })
    for (let i = 0; i < 2; i++)
      events.push({
        ...envelope(from + (10 + 9 * i + random()) * DAY_MS),
        kind: 'payment',
        accountId: 'a',
        amount: moneyMinor(1 + integer(50_000)),
      })
    events.push({
      ...envelope(from + 29 * DAY_MS),
      kind: 'statement',
      accountId: 'a',
      period: `2024-${String(month + 1).padStart(2, '0')}`,
      closingBalance: moneyMinor(integer(limit)),
      creditLimit: limit,
      repaymentStatus: integer(4) - 1,
    })
  }
  events.push({
    ...envelope(START + 366 * DAY_MS),
    kind: 'application',
    applicationId: `x${index}`,
    product: 'credit-line',
    amount: moneyMinor(integer(1_000_000)),
    termMonths: 12,
    purpose: 'any',
    channel: 'online',
  })
  return events.toSorted((a, b) => a.eventTime - b.eventTime)
}
