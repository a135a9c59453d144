/**
 * A portfolio to which two things happen: a payments processor begins to send another unit, is mended, and some months later the clients of one
 * channel are others than before. Made of the demo's real clients; who applies when, through which channel, and the scale of the later clients'
 * amounts are synthetic. An applicant's history reaches the log with the application, as if it were fetched then.
 */
import type { CreditEvent, ProtectedEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import { calendarOf, FIRST_MONTH_INDEX, hashOf, OUTCOME_DAYS, raiseShareOf } from './demo-calendar.ts'
import { type DemoClients, HISTORY_MONTHS, readDemoClients } from './demo-clients.ts'
import { protectedAttributes } from './demo-stream.ts'

export type DriftPhase = 'usual' | 'unit-error' | 'mended' | 'new-population'

/** Months of event time that each phase lasts; the last has no end. */
type PhaseMonths = readonly (readonly [DriftPhase, number])[]

const PHASE_MONTHS: PhaseMonths = [
  ['usual', 5],
  ['unit-error', 2],
  ['mended', 3],
  ['new-population', Infinity],
]
/** Clients whose turn it is in a month; of the new population some do not apply. */
const CLIENTS_A_MONTH = 1_500
/** Share of applications through the partner channel, before and in the last phase, percent. */
const PARTNER_PERCENT = 35
const PARTNER_PERCENT_LATER = 80
/** Of the new clients who pay, every so many does not apply: harder times. */
const GOODS_OF_TEN = 4
/** The new clients are larger: all their amounts are this many times what they are in the data. Too little for a change of unit. */
const NEW_CLIENTS_SCALE = 3

export const ERRING_PRODUCER = 'payments-south'
export const UNIT_FACTOR = 100
export const SHIFTED_CHANNEL = 'partner'
const CURRENCY = 'TWD'
/** NT$ → minor units. */
const MINOR = 100

export type DriftStep =
  | {
      readonly kind: 'application'
      readonly phase: DriftPhase
      readonly applicationId: string
      /** What will come of it, 1 = default. */
      readonly label: number
      /** History, then the application. */
      readonly events: readonly CreditEvent[]
      readonly protectedEvent: ProtectedEvent
    }
  | { readonly kind: 'outcome'; readonly event: CreditEvent }

const phaseOf = (phases: PhaseMonths, month: number): DriftPhase => {
  let end = 0
  for (const [phase, months] of phases) if (month < (end += months)) return phase
  return 'new-population'
}

interface Turn {
  readonly id: string
  readonly client: number
  readonly month: number
  readonly phase: DriftPhase
  readonly partner: boolean
}

/** Laps after the first have applicants of their own. */
const idOf = (index: number, clients: number): string => {
  const lap = Math.floor(index / clients)
  return `tw-${String((index % clients) + 1).padStart(5, '0')}${lap === 0 ? '' : `-${lap}`}`
}

const turnOf = (clients: DemoClients, phases: PhaseMonths, index: number): Turn | undefined => {
  const month = Math.floor(index / CLIENTS_A_MONTH)
  const [client, id, phase] = [index % clients.count, idOf(index, clients.count), phaseOf(phases, month)]
  const later = phase === 'new-population'
  const partner = hashOf(id, 'channel') % 100 < (later ? PARTNER_PERCENT_LATER : PARTNER_PERCENT)
  if (later && partner && clients.label[client] === 0 && hashOf(id, 'applies') % 10 >= GOODS_OF_TEN) return undefined
  return { id, client, month, phase, partner }
}

const applicationStep = (clients: DemoClients, { id, client, month, phase, partner }: Turn): { at: number; step: DriftStep }[] => {
  const calendar = calendarOf(id, FIRST_MONTH_INDEX + month)
  const scale = phase === 'new-population' && partner ? NEW_CLIENTS_SCALE : 1
  const money = (amount: number) => moneyMinor(Math.round(amount * scale) * MINOR)
  const account = { applicantId: applicantId(id), accountId: `${id}-card`, currency: CURRENCY }
  const processor = hashOf(id, 'processor') % 2 === 0 ? ERRING_PRODUCER : 'payments-north'
  const unit = phase === 'unit-error' && processor === ERRING_PRODUCER ? UNIT_FACTOR : 1
  const events: CreditEvent[] = []
  for (let m = 0; m < HISTORY_MONTHS; m++) {
    const paid = clients.paid[client * HISTORY_MONTHS + m] ?? 0
    if (paid !== 0)
      events.push({
        ...account,
        eventId: `${id}-payment-${m + 1}`,
        kind: 'payment',
        eventTime: epochMs(calendar.payment(m) * 1000),
        producer: processor,
        amount: moneyMinor(money(paid) * unit),
        period: calendar.period(m - 1),
      })
    events.push({
      ...account,
      eventId: `${id}-statement-${m + 1}`,
      kind: 'statement',
      eventTime: epochMs(calendar.statement(m) * 1000),
      producer: 'card-ledger',
      period: calendar.period(m),
      closingBalance: money(clients.bill[client * HISTORY_MONTHS + m] ?? 0),
      creditLimit: money(clients.limit[client] ?? 0),
      repaymentStatus: clients.status[client * HISTORY_MONTHS + m] ?? 0,
    })
  }
  const label = clients.label[client] ?? 0
  const application = { applicantId: account.applicantId, applicationId: `${id}-1` }
  events.push({
    ...application,
    eventId: `${id}-application`,
    kind: 'application',
    eventTime: epochMs(calendar.application * 1000),
    producer: partner ? 'partner-portal' : 'branch-desk',
    product: 'credit-line',
    amount: money(Math.round((clients.limit[client] ?? 0) * raiseShareOf(id))),
    currency: CURRENCY,
    termMonths: 0,
    purpose: 'limit-increase',
    channel: partner ? SHIFTED_CHANNEL : 'branch',
  })
  const matured = epochMs(calendar.outcome * 1000)
  const outcome: CreditEvent = {
    ...application,
    eventId: `${id}-outcome`,
    kind: 'outcome',
    eventTime: matured,
    producer: 'collections',
    label,
    definition: 'default-1m',
    horizonDays: OUTCOME_DAYS,
    maturedAt: matured,
    observed: true,
  }
  const protectedEvent: ProtectedEvent = {
    eventId: `${id}-protected`,
    kind: 'protected',
    applicantId: account.applicantId,
    eventTime: epochMs(calendar.statement(0) * 1000),
    producer: 'branch-desk',
    attributes: protectedAttributes(clients, client),
  }
  return [
    {
      at: calendar.application,
      step: { kind: 'application', phase, applicationId: application.applicationId, label, events, protectedEvent },
    },
    { at: calendar.outcome, step: { kind: 'outcome', event: outcome } },
  ]
}

/** Applications and outcomes by event time, without end. */
export function* driftSteps(csvGz: Uint8Array, phases: PhaseMonths = PHASE_MONTHS): Generator<DriftStep> {
  const clients = readDemoClients(csvGz)
  let waiting: { readonly at: number; readonly step: DriftStep }[] = []
  for (let month = 0; ; month++) {
    for (let index = month * CLIENTS_A_MONTH; index < (month + 1) * CLIENTS_A_MONTH; index++) {
      const turn = turnOf(clients, phases, index)
      if (turn !== undefined) waiting.push(...applicationStep(clients, turn))
    }
    // The clients of the next month apply after the last of their six statements.
    const next = FIRST_MONTH_INDEX + month + HISTORY_MONTHS
    const complete = Date.UTC(Math.floor(next / 12), next % 12, 1) / 1000
    const due = waiting.filter(({ at }) => at < complete).toSorted((a, b) => a.at - b.at)
    waiting = waiting.filter(({ at }) => at >= complete)
    for (const { step } of due) yield step
  }
}
