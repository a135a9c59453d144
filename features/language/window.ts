/** *window*: which of an entity's past events a feature looks at, in event time, seen from the application's instant t. */

export type Window =
  /** (t − n calendar months, t]: open at the old end. Calendar arithmetic as in `calendar.ts`. */
  | { readonly kind: 'months'; readonly months: number }
  /** Everything up to t. Only for aggregates that bounded state answers exactly, such as the time since the first event. */
  | { readonly kind: 'ever' }
  /** The application being decided itself, none of the past. */
  | { readonly kind: 'now' }

/** Two years: what the declared ring capacities of monthly events could ever hold. */
const MONTHS_MAX = 24

export const months = (count: number): Window => {
  if (!Number.isInteger(count) || count < 1 || count > MONTHS_MAX)
    throw new RangeError(`a window is 1 to ${MONTHS_MAX} whole months, got ${count}`)
  return { kind: 'months', months: count }
}

export const ever = (): Window => ({ kind: 'ever' })

/** Last segment of a feature's name: `3mo`, `ever`, `now`. */
export const windowLabel = (window: Window): string => (window.kind === 'months' ? `${window.months}mo` : window.kind)

/** The window in words, for descriptions. */
export const windowPhrase = (window: Window): string => {
  switch (window.kind) {
    case 'months':
      return window.months === 1 ? 'over the last month' : `over the last ${window.months} months`
    case 'ever':
      return 'over the whole history'
    case 'now':
      return 'as stated now'
  }
}
