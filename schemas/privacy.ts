/** Which fields say something of a person, and events with those hidden: for people who look at what went wrong, and for logs. */
import { EVENT_KINDS, EVENT_SCHEMAS, type EventKind } from './events.ts'
import type { PiiClass } from './field.ts'

const MASK = '•••'
/** Hidden from whoever looks at a single event: facts of a person. The pseudonym stays, or nobody could find the case. */
const MASKED_CLASSES: ReadonlySet<string> = new Set(['quasi', 'sensitive', 'protected'] satisfies PiiClass[])

interface Described {
  readonly pii?: string
}

const propertiesOf = (kind: EventKind): Readonly<Record<string, Described>> =>
  EVENT_SCHEMAS[kind].properties as Readonly<Record<string, Described>>

/** Names of the event fields, of any kind, whose privacy class is one of these. */
export const fieldsOfClass = (...classes: readonly PiiClass[]): readonly string[] => {
  const wanted = new Set<string>(classes)
  const names = EVENT_KINDS.flatMap((kind) =>
    Object.entries(propertiesOf(kind)).flatMap(([name, { pii }]) => (pii !== undefined && wanted.has(pii) ? [name] : [])),
  )
  return [...new Set(names)].toSorted()
}

const masked = (value: unknown): unknown => (value === null ? null : `${MASK} (${Array.isArray(value) ? 'array' : typeof value})`)

/**
 * A JSON event with personal values hidden behind their type. What no schema describes (an unknown kind or field, a value that is no
 * object) could be anything and is hidden too.
 */
export const maskEvent = (event: unknown): unknown => {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return masked(event)
  const { kind } = event as { kind?: unknown }
  const known = typeof kind === 'string' && Object.hasOwn(EVENT_SCHEMAS, kind) ? propertiesOf(kind as EventKind) : undefined
  const envelope = known ?? propertiesOf('application')
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => {
      if (name === 'kind') return [name, value]
      const field = Object.hasOwn(envelope, name) ? envelope[name] : undefined
      const open = field?.pii !== undefined && !MASKED_CLASSES.has(field.pii) && typeof value !== 'object'
      return [name, open ? value : masked(value)]
    }),
  )
}
