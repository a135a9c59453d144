/**
 * The demo stream: 30,000 card clients asking for a higher line. Per client six times (payment of the previous month's bill, then that month's
 * statement), then the application, then its outcome; all clients interleaved by event time. 383,103 events: 180,000 statements, 143,103 payments
 * (zero payments are no events), 30,000 applications, 30,000 outcomes. Protected attributes come beside, for the vault alone.
 */
import type { CreditEvent, ProtectedEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import { calendarOf, type ClientCalendar, linksOf, OUTCOME_DAYS, raiseShareOf } from './demo-calendar.ts'
import { type DemoClients, HISTORY_MONTHS, readDemoClients } from './demo-clients.ts'

/** Says in every event that days and calendar are synthetic. */
const DEMO_PRODUCER = 'taiwan-demo-synthetic-calendar'
const CURRENCY = 'TWD'
/** NT$ → minor units. */
const MINOR = 100

/** Slots of a client in their order: payment and statement of month m at 2m and 2m + 1, then application and outcome. */
const APPLICATION_SLOT = 2 * HISTORY_MONTHS
const OUTCOME_SLOT = APPLICATION_SLOT + 1
const SLOTS = OUTCOME_SLOT + 1

/** Sort keys pack (second, client, slot) into one exact float64: 2^26 seconds · 2^15 clients · 2^4 slots = 2^45. */
const CLIENT_SPAN = 2 ** 15
const SLOT_SPAN = 2 ** 4
const ORIGIN_SECONDS = Date.UTC(2005, 2, 1) / 1000

export interface DemoStream {
  readonly count: number
  /** Index of the first application: everything before is history. */
  readonly firstApplication: number
  /** Event `index` of the stream, built on the spot. */
  event(index: number): CreditEvent
  events(from?: number): Generator<CreditEvent>
  protectedEvents(): Generator<ProtectedEvent>
}

const demoApplicantId = (client: number): string => `tw-${String(client + 1).padStart(5, '0')}`

const timeOf = (calendar: ClientCalendar, slot: number): number => {
  if (slot === APPLICATION_SLOT) return calendar.application
  if (slot === OUTCOME_SLOT) return calendar.outcome
  return slot % 2 === 0 ? calendar.payment(slot / 2) : calendar.statement((slot - 1) / 2)
}

export interface DemoOptions {
  /** Whether applications name devices, employers and addresses, drawn by hash; without them when absent. */
  readonly links?: boolean
  /** Applicants whose events the stream has, and no others'; everybody when absent. */
  readonly only?: (applicantId: string) => boolean
}

const sortedKeys = (clients: DemoClients, only: DemoOptions['only']): Float64Array => {
  const keys = new Float64Array(clients.count * SLOTS)
  let used = 0
  for (let client = 0; client < clients.count; client++) {
    const id = demoApplicantId(client)
    if (only?.(id) === false) continue
    const calendar = calendarOf(id)
    for (let slot = 0; slot < SLOTS; slot++) {
      const isPayment = slot < APPLICATION_SLOT && slot % 2 === 0
      if (isPayment && clients.paid[client * HISTORY_MONTHS + slot / 2] === 0) continue
      keys[used++] = ((timeOf(calendar, slot) - ORIGIN_SECONDS) * CLIENT_SPAN + client) * SLOT_SPAN + slot
    }
  }
  return keys.slice(0, used).sort()
}

const eventOf = (clients: DemoClients, client: number, slot: number, seconds: number, { links }: DemoOptions): CreditEvent => {
  const id = demoApplicantId(client)
  const envelope = { applicantId: applicantId(id), eventTime: epochMs(seconds * 1000), producer: DEMO_PRODUCER }
  const account = { accountId: `${id}-card`, currency: CURRENCY }
  if (slot === APPLICATION_SLOT) {
    const amount = moneyMinor(Math.round((clients.limit[client] ?? 0) * raiseShareOf(id)) * MINOR)
    return {
      ...envelope,
      eventId: `${id}-application`,
      kind: 'application',
      applicationId: `${id}-1`,
      product: 'credit-line',
      amount,
      currency: CURRENCY,
      termMonths: 0,
      purpose: 'limit-increase',
      channel: 'account-review',
      ...(links === true ? linksOf(id, clients.count) : {}),
    }
  }
  if (slot === OUTCOME_SLOT) {
    return {
      ...envelope,
      eventId: `${id}-outcome`,
      kind: 'outcome',
      applicationId: `${id}-1`,
      label: clients.label[client] ?? 0,
      definition: 'default-1m',
      horizonDays: OUTCOME_DAYS,
      maturedAt: envelope.eventTime,
      observed: true,
    }
  }
  const month = slot >> 1
  const at = client * HISTORY_MONTHS + month
  const calendar = calendarOf(id)
  if (slot % 2 === 0) {
    // A payment received in month m settles the bill of the month before.
    return {
      ...envelope,
      eventId: `${id}-payment-${month + 1}`,
      kind: 'payment',
      ...account,
      amount: moneyMinor((clients.paid[at] ?? 0) * MINOR),
      period: calendar.period(month - 1),
    }
  }
  return {
    ...envelope,
    eventId: `${id}-statement-${month + 1}`,
    kind: 'statement',
    ...account,
    period: calendar.period(month),
    closingBalance: moneyMinor((clients.bill[at] ?? 0) * MINOR),
    creditLimit: moneyMinor((clients.limit[client] ?? 0) * MINOR),
    repaymentStatus: clients.status[at] ?? 0,
  }
}

const SEX: Readonly<Record<number, string>> = { 1: 'male', 2: 'female' }
const EDUCATION: Readonly<Record<number, string>> = { 1: 'graduate-school', 2: 'university', 3: 'high-school', 4: 'other' }
const MARRIAGE: Readonly<Record<number, string>> = { 1: 'married', 2: 'single', 3: 'other' }
/** Ages are as of 2005. */
const DATA_YEAR = 2005

export const protectedAttributes = (clients: DemoClients, client: number): ProtectedEvent['attributes'] => ({
  sex: SEX[clients.sex[client] ?? 0] ?? 'unknown',
  birthYear: String(DATA_YEAR - (clients.age[client] ?? 0)),
  education: EDUCATION[clients.education[client] ?? 0] ?? 'unknown',
  maritalStatus: MARRIAGE[clients.marriage[client] ?? 0] ?? 'unknown',
})

const protectedOf = (clients: DemoClients, client: number): ProtectedEvent => {
  const id = demoApplicantId(client)
  return {
    eventId: `${id}-protected`,
    kind: 'protected',
    applicantId: applicantId(id),
    eventTime: epochMs(ORIGIN_SECONDS * 1000),
    producer: DEMO_PRODUCER,
    attributes: protectedAttributes(clients, client),
  }
}

/** Builds the stream's order from the compressed data; events are made one at a time as they are asked for. */
export const demoStream = (csvGz: Uint8Array, options: DemoOptions = {}): DemoStream => {
  const clients = readDemoClients(csvGz)
  const keys = sortedKeys(clients, options.only)
  const event = (index: number): CreditEvent => {
    const key = keys[index]
    if (key === undefined) throw new RangeError(`the demo stream has ${keys.length} events, there is no event ${index}`)
    const slot = key % SLOT_SPAN
    const rest = (key - slot) / SLOT_SPAN
    const client = rest % CLIENT_SPAN
    return eventOf(clients, client, slot, (rest - client) / CLIENT_SPAN + ORIGIN_SECONDS, options)
  }
  return {
    count: keys.length,
    firstApplication: keys.findIndex((key) => key % SLOT_SPAN === APPLICATION_SLOT),
    event,
    *events(from = 0) {
      for (let index = from; index < keys.length; index++) yield event(index)
    },
    *protectedEvents() {
      for (let client = 0; client < clients.count; client++) yield protectedOf(clients, client)
    },
  }
}
