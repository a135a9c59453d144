/** Random histories of some applicants in one log: ties, month ends, late arrivals, retries, overflowing rings, missing texts. */
import type { ApplicationEvent, CreditEvent, OutcomeEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import type { Ask, Placed } from './sql-oracle.ts'

/** Mulberry32: a seed is enough to see a failure again. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const START = Date.UTC(2024, 0, 1)
const SPAN_DAYS = 240
/** No event arrives later than this after a newer one of its applicant. */
export const LATENESS_MS = 20 * DAY_MS

const CATEGORIES = ['salary', 'rent', 'gambling', 'food', 'Übergröße', '電子']

export interface History {
  readonly events: readonly Placed[]
  readonly asks: readonly Ask[]
}

const eventOf = (random: () => number, applicant: string, id: number): CreditEvent => {
  const integer = (most: number): number => Math.floor(random() * most)
  // Six hours coarse, so that events share instants with one another and with applications.
  const time = START + integer(SPAN_DAYS * 4) * 6 * HOUR_MS
  const envelope = { eventId: `e${id}`, applicantId: applicantId(applicant), eventTime: epochMs(time), producer: 'test', currency: 'EUR' }
  const account = `a${integer(2)}`
  const kind = random()
  if (kind < 0.5)
    return {
      ...envelope,
      kind: 'transaction',
      accountId: account,
      amount: moneyMinor(random() < 0.2 ? 100 : integer(1_000_000)),
      direction: random() < 0.6 ? 'out' : 'in',
      category: CATEGORIES[integer(CATEGORIES.length)]!,
      ...(random() < 0.7 ? { counterpartyId: `c${integer(30)}` } : {}),
    }
  if (kind < 0.7) return { ...envelope, kind: 'payment', accountId: account, amount: moneyMinor(100 * (1 + integer(3_000))) }
  if (kind < 0.88)
    return {
      ...envelope,
      kind: 'statement',
      accountId: account,
      period: `2024-0${1 + integer(8)}`,
      closingBalance: moneyMinor(integer(2_000_000) - 300_000),
      creditLimit: moneyMinor(random() < 0.1 ? 0 : 100_000 * (1 + integer(20))),
      repaymentStatus: integer(6) - 2,
      ...(random() < 0.6 ? { minimumDue: moneyMinor(integer(3)) } : {}),
    }
  return {
    ...envelope,
    kind: 'application',
    applicationId: `x${id}`,
    product: 'credit-line',
    amount: moneyMinor(integer(5_000_000)),
    termMonths: 12,
    purpose: 'any',
    channel: 'online',
    ...(random() < 0.5 ? { incomeMonthly: moneyMinor(integer(900_000)) } : {}),
    ...(random() < 0.5 ? { deviceId: `d${integer(4)}` } : {}),
    // Drawn from the event's number, so that what is drawn after it stays as it was.
    ...(id % 3 === 0 ? { employerId: `e${id % 7}` } : {}),
  }
}

/** Arrival: event time plus a delay, mostly none. */
const arrivals = (random: () => number, events: readonly CreditEvent[]): CreditEvent[] =>
  events
    .map((event) => ({ event, at: event.eventTime + (random() < 0.3 ? random() * LATENESS_MS : 0) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ event }) => event)

export const randomHistory = (seed: number, applicants: number): History => {
  const random = randomOf(seed)
  const drawn: CreditEvent[] = []
  for (let a = 0; a < applicants; a++) {
    const count = Math.floor(random() ** 2 * 150)
    for (let i = 0; i < count; i++) drawn.push(eventOf(random, `p${seed}-${a}`, drawn.length))
  }
  const log = arrivals(random, drawn)
  const events = log.map((event, offset) => ({ event, offset }))
  const asks = events.flatMap(({ event, offset }) =>
    event.kind === 'application' ? [{ id: event.applicationId, application: event, offset }] : [],
  )
  return { events, asks }
}

/** What became of every application, so that training takes its vector. */
export const outcomeOf = (application: ApplicationEvent): OutcomeEvent => ({
  eventId: `o-${application.eventId}`,
  applicantId: application.applicantId,
  eventTime: epochMs(application.eventTime + 30 * DAY_MS),
  producer: 'test',
  kind: 'outcome',
  applicationId: application.applicationId,
  label: 0,
  definition: 'default-1m',
  horizonDays: 30,
  maturedAt: epochMs(application.eventTime + 30 * DAY_MS),
  observed: true,
})
