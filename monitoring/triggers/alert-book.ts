/** Alerts that are open: each is told once when it opens and once when it ends. State is plain data, changed in place. */
import type { Alert } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'

/** Findings at a time; an outage of everything would otherwise fill memory with its symptoms. */
const OPEN_MAX = 1_000

export interface AlertBook {
  readonly open: Map<string, Alert>
  /** Keys that call nobody, and the log time until which. */
  readonly muted: Map<string, number>
  /** Findings that were not opened because the book was full. */
  refused: number
}

export const alertBook = (): AlertBook => ({ open: new Map(), muted: new Map(), refused: 0 })

/** Key of the alert with this identifier. */
export const keyOf = (alertId: string): string => alertId.slice(0, alertId.lastIndexOf(':'))

/** The alerts of `key` call nobody from log time `at` until `until`, also where they end and open again. */
export const mute = ({ muted }: AlertBook, key: string, until: number, at: number): void => {
  for (const [other, end] of muted) if (end <= at) muted.delete(other)
  if (muted.size < OPEN_MAX) muted.set(key, until)
}

/** Whether nobody is to be called for the alert at log time `at`. */
export const isMuted = ({ muted }: AlertBook, { alertId }: Alert, at: number): boolean => (muted.get(keyOf(alertId)) ?? -Infinity) > at

export type NewAlert = Omit<Alert, 'alertId' | 'state'>

/**
 * Opens the alert of `key`; undefined where it is open already. The identifier is made of key and `since`, an instant that a re-run finds
 * again: log time, or the beginning of the evidence where the tables are looked at from time to time.
 */
export const raise = (book: AlertBook, key: string, alert: NewAlert, since: number): Alert | undefined => {
  if (book.open.has(key)) return undefined
  if (book.open.size >= OPEN_MAX) {
    book.refused++
    return undefined
  }
  const opened: Alert = { ...alert, alertId: `${key}:${since}`, state: 'open' }
  book.open.set(key, opened)
  return opened
}

/** Ends the alert of `key` at log time `at`; undefined where none is open. */
export const settle = (book: AlertBook, key: string, at: number): Alert | undefined => {
  const held = book.open.get(key)
  if (held === undefined) return undefined
  book.open.delete(key)
  return { ...held, state: 'resolved', raisedAt: epochMs(at) }
}

export const isBlocked = (book: AlertBook): boolean => {
  for (const { blocksRetraining } of book.open.values()) if (blocksRetraining) return true
  return false
}
