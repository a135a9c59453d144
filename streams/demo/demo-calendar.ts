/** The synthetic part of the demo: on which day of which year each month of a client's history falls. Fixed by hashes of the client. */
import { crc32 } from 'node:zlib'

const DAY_SECONDS = 86_400
/** The history's first month: April 2005. Cohorts shift it by 0 to 11 months. */
export const FIRST_MONTH_INDEX = 2005 * 12 + 3
const COHORTS = 12
/** Days from the decision to the outcome. */
export const OUTCOME_DAYS = 30

/** An unsigned 32-bit hash of the client for one purpose. */
export const hashOf = (applicantId: string, purpose: string): number => crc32(`${purpose}:${applicantId}`)

export interface ClientCalendar {
  /** Seconds since the epoch of the statement of month `m` (0 to 5), and its calendar month. */
  statement(month: number): number
  period(month: number): string
  /** Of the payment received in month `m`: 3 to 14 days before that month's statement. */
  payment(month: number): number
  /** 1 to 7 days after the last statement. */
  readonly application: number
  readonly outcome: number
}

const periodOf = (monthIndex: number): string => `${Math.floor(monthIndex / 12)}-${String((monthIndex % 12) + 1).padStart(2, '0')}`

/** `first`: month of the first statement, years times 12 plus months; by default the client's cohort decides. */
export const calendarOf = (applicantId: string, first = FIRST_MONTH_INDEX + (hashOf(applicantId, 'cohort') % COHORTS)): ClientCalendar => {
  const dayOfMonth = 1 + (hashOf(applicantId, 'day') % 28)
  const second = hashOf(applicantId, 'second') % DAY_SECONDS
  const statement = (month: number): number => Date.UTC(Math.floor((first + month) / 12), (first + month) % 12, dayOfMonth) / 1000 + second
  const daysEarly = 3 + (hashOf(applicantId, 'payment') % 12)
  const application = statement(5) + (1 + (hashOf(applicantId, 'application') % 7)) * DAY_SECONDS
  return {
    statement,
    period: (month) => periodOf(first + month),
    payment: (month) => statement(month) - daysEarly * DAY_SECONDS,
    application,
    outcome: application + OUTCOME_DAYS * DAY_SECONDS,
  }
}

/** Share of the present limit asked for on top, 0.1 to 0.5 in tenths: by hash, so that it carries nothing about the outcome. */
export const raiseShareOf = (applicantId: string): number => (1 + (hashOf(applicantId, 'amount') % 5)) / 10

/** Clients a device, an employer, an address: most share theirs with few. */
const DEVICE_CLIENTS = 1.25
const EMPLOYER_CLIENTS = 60
const ADDRESS_CLIENTS = 2

/** What an application names, of as many as that many clients would have: by hash, so that it carries nothing about the outcome. */
export const linksOf = (applicantId: string, clients: number): Readonly<Record<'deviceId' | 'employerId' | 'addressId', string>> => ({
  deviceId: `device-${hashOf(applicantId, 'device') % Math.ceil(clients / DEVICE_CLIENTS)}`,
  employerId: `employer-${hashOf(applicantId, 'employer') % Math.ceil(clients / EMPLOYER_CLIENTS)}`,
  addressId: `address-${hashOf(applicantId, 'address') % Math.ceil(clients / ADDRESS_CLIENTS)}`,
})
