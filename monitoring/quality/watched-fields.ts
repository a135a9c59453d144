/** Which fields of an event are watched, from the schemas alone. */
import { EVENT_SCHEMAS, type CreditEvent } from '#schemas/events.ts'

export interface WatchedField {
  readonly name: string
  /** Numbers are counted by magnitude. */
  readonly numeric: boolean
  /** Money can change its unit. */
  readonly money: boolean
  /** Optional fields can go missing. */
  readonly optional: boolean
}

/** Of the envelope: nothing that scoring reads. */
const NOT_WATCHED = new Set(['eventId', 'applicantId', 'eventTime', 'producer', 'schemaVersion', 'traceparent', 'tenant', 'kind'])

const fieldsOf = (kind: CreditEvent['kind']): WatchedField[] => {
  const { properties, required } = EVENT_SCHEMAS[kind]
  const always = new Set<string>(required)
  return Object.entries(properties as Record<string, { readonly type?: string; readonly unit?: string }>)
    .filter(([name]) => !NOT_WATCHED.has(name))
    .map(([name, { type, unit }]) => ({
      name,
      numeric: type === 'integer' || type === 'number',
      money: unit === 'minor currency units',
      optional: !always.has(name),
    }))
    .filter(({ numeric, optional }) => numeric || optional)
}

const KINDS = ['application', 'statement', 'payment', 'transaction', 'bureau', 'outcome', 'subject-request'] as const

export const WATCHED_FIELDS = Object.fromEntries(KINDS.map((kind) => [kind, fieldsOf(kind)])) as unknown as Readonly<
  Record<CreditEvent['kind'], readonly WatchedField[]>
>
