/** *window*: which of an entity's past events a feature looks at, in event time, seen from the application's instant t. */
import { DAY_MS } from './calendar.ts'
import { requireZone } from './zone-months.ts'

export type Window =
  /** (t − n calendar months, t]: open at the old end. Calendar arithmetic as in `calendar.ts`. */
  | { readonly kind: 'months'; readonly months: number }
  /** (t − w, t], exact to the millisecond. */
  | { readonly kind: 'span'; readonly spanMs: number }
  /** The last n events up to t, whatever their age and before `where` chooses among them. */
  | { readonly kind: 'events'; readonly events: number }
  /** A whole calendar month of a time zone: 0 is the one t lies in, as far as t; 1 the one before, complete. */
  | { readonly kind: 'calendar-month'; readonly back: number; readonly zone: string }
  /**
   * `hops` hops of `hopMs` up to and with the one t lies in, hops being counted from 1970-01-01T00:00Z: (t − w, t] exact to one hop at
   * either end. State keeps partial results per hop instead of events, so any number of events fits. Events of t's own hop count as soon
   * as they are known, also where they are later than t.
   */
  | { readonly kind: 'hops'; readonly hopMs: number; readonly hops: number }
  /** Everything known. Aggregates that need events in order see what is held of them; the others keep one partial result for ever. */
  | { readonly kind: 'ever' }
  /** The application being decided itself, none of the past. */
  | { readonly kind: 'now' }

/** What an aggregate over held events can look back on. */
export const EVENT_WINDOWS: readonly Window['kind'][] = ['months', 'span', 'events', 'calendar-month']

/** Two years: what the declared ring capacities of monthly events could ever hold. */
const MONTHS_MAX = 24
const SPAN_DAYS_MAX = 731
/** As many as a ring may hold. */
const EVENTS_MAX = 256
/** Partial results merged for one value: bounds the work of a vector. */
const HOPS_MAX = 400
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

const requireWhole = (what: string, count: number, least: number, most: number): void => {
  if (!Number.isInteger(count) || count < least || count > most)
    throw new RangeError(`a window is ${least} to ${most} whole ${what}, got ${count}`)
}

export const months = (count: number): Window => {
  requireWhole('months', count, 1, MONTHS_MAX)
  return { kind: 'months', months: count }
}

type Span = Extract<Window, { kind: 'span' }>

const span =
  (what: string, unitMs: number) =>
  (count: number): Span => {
    requireWhole(what, count, 1, (SPAN_DAYS_MAX * DAY_MS) / unitMs)
    return { kind: 'span', spanMs: count * unitMs }
  }

/** Days of 24 hours. */
export const days = span('days', DAY_MS)
export const hours = span('hours', HOUR_MS)
export const minutes = span('minutes', MINUTE_MS)

export const lastEvents = (count: number): Window => {
  requireWhole('events', count, 1, EVENTS_MAX)
  return { kind: 'events', events: count }
}

/** @param zone IANA name of the time zone whose calendar counts. */
export const calendarMonth = (back: number, zone = 'UTC'): Window => {
  requireWhole('calendar months back', back, 0, MONTHS_MAX)
  requireZone(zone)
  return { kind: 'calendar-month', back, zone }
}

/** `hopping(days(30), days(1))`: the last thirty days, exact to a day. */
export const hopping = (length: Span, hop: Span): Window => {
  const hops = length.spanMs / hop.spanMs
  if (!Number.isInteger(hops) || hops < 1 || hops > HOPS_MAX)
    throw new RangeError(
      `a window is 1 to ${HOPS_MAX} whole hops, got ${spanLabel(length.spanMs)} in hops of ${spanLabel(hop.spanMs)}; choose another hop`,
    )
  return { kind: 'hops', hopMs: hop.spanMs, hops }
}

export const ever = (): Window => ({ kind: 'ever' })

const spanLabel = (spanMs: number): string => {
  if (spanMs % DAY_MS === 0) return `${spanMs / DAY_MS}d`
  return spanMs % HOUR_MS === 0 ? `${spanMs / HOUR_MS}h` : `${spanMs / MINUTE_MS}min`
}

const spanPhrase = (spanMs: number): string => {
  const [count, unit] =
    spanMs % DAY_MS === 0 ? [spanMs / DAY_MS, 'day'] : spanMs % HOUR_MS === 0 ? [spanMs / HOUR_MS, 'hour'] : [spanMs / MINUTE_MS, 'minute']
  return count === 1 ? unit : `${count} ${unit}s`
}

/** Last segment of a feature's name: `3mo`, `30d`, `5ev`, `30d-by-1d`, `1mo-ago@Europe/Berlin`, `ever`, `now`. */
export const windowLabel = (window: Window): string => {
  switch (window.kind) {
    case 'months':
      return `${window.months}mo`
    case 'span':
      return spanLabel(window.spanMs)
    case 'events':
      return `${window.events}ev`
    case 'calendar-month':
      return `${window.back === 0 ? 'this-mo' : `${window.back}mo-ago`}${window.zone === 'UTC' ? '' : `@${window.zone}`}`
    case 'hops':
      return `${spanLabel(window.hopMs * window.hops)}-by-${spanLabel(window.hopMs)}`
    case 'ever':
    case 'now':
      return window.kind
  }
}

/** The window in words, for descriptions. */
export const windowPhrase = (window: Window): string => {
  switch (window.kind) {
    case 'months':
      return window.months === 1 ? 'over the last month' : `over the last ${window.months} months`
    case 'span':
      return `over the last ${spanPhrase(window.spanMs)}`
    case 'events':
      return window.events === 1 ? 'at the last event' : `over the last ${window.events} events`
    case 'calendar-month':
      return `${window.back === 0 ? 'over the calendar month so far' : `over the calendar month ${window.back} before`} (${window.zone})`
    case 'hops':
      return `over the last ${spanPhrase(window.hopMs * window.hops)}, to ${spanPhrase(window.hopMs)}`
    case 'ever':
      return 'over the whole history'
    case 'now':
      return 'as stated now'
  }
}
