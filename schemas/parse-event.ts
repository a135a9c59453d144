/** One JSON document from a producer → a parsed event, or a rejection that names every field, value and remedy. Never throws. */
import { Compile } from 'typebox/compile'
import Format from 'typebox/format'
import { Settings } from 'typebox/system'
import { EVENT_KINDS, EVENT_SCHEMAS, type EventKind, type ProducedEvent } from './events.ts'
import { canonicalInstant } from './instant.ts'
import { countNames, JSON_DEPTH_MAX, jsonFaultOf, placeOf } from './json-faults.ts'
import { nearest } from './nearest.ts'
import type { FieldError, Parsed, Rejection } from './rejection.ts'
import { describeViolations, shown, type Violation } from './violation.ts'

/** Largest event accepted, in bytes: the largest real one is under 2 KB; the bound keeps one producer from stalling the loop. */
export const EVENT_BYTES_MAX = 1_048_576
/** Event times accepted, whatever the retention: 1970-01-01 to 2200-01-01, milliseconds. */
export const EVENT_TIME_MS_MAX = 7_258_118_400_000
const ERRORS_MAX = 16
Settings.Set({ maxErrors: ERRORS_MAX })
// The library's own check takes a text apart with regular expressions and lists; it judges what is not in canonical form.
Format.Set('date-time', (text) => !Number.isNaN(canonicalInstant(text)) || Format.IsDateTime(text))

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

interface Validator {
  Check(value: unknown): boolean
  Errors(value: unknown): Violation[]
}

const VALIDATORS = Object.fromEntries(EVENT_KINDS.map((kind) => [kind, Compile(EVENT_SCHEMAS[kind])])) as unknown as Record<
  EventKind,
  Validator
>
/** Fields whose JSON form is an RFC 3339 string and whose parsed form is a number. */
const INSTANTS = Object.fromEntries(
  EVENT_KINDS.map((kind) => [
    kind,
    Object.entries(EVENT_SCHEMAS[kind].properties)
      .filter(([, schema]) => 'avro' in schema && schema.avro === 'timestamp-millis')
      .map(([name]) => name),
  ]),
) as Record<EventKind, string[]>

const reject = (
  code: Rejection['code'],
  detail: string,
  errors: readonly FieldError[] = [],
): { readonly kind: 'rejected'; readonly rejection: Rejection } => ({
  kind: 'rejected',
  rejection: { code, detail, errors: errors.slice(0, ERRORS_MAX) },
})

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 3339 → milliseconds, digits beyond them cut off; NaN outside the range and for leap seconds (the log's clock has none). */
const instantOf = (text: string): number => {
  const canonical = canonicalInstant(text)
  const milliseconds = Number.isNaN(canonical) ? Date.parse(text) : canonical
  return milliseconds >= 0 && milliseconds < EVENT_TIME_MS_MAX ? milliseconds : Number.NaN
}

const unknownKind = (kind: unknown) => {
  const hint = typeof kind === 'string' ? nearest(kind, EVENT_KINDS) : undefined
  const remedy = `${hint ? `did you mean "${hint}"? ` : ''}known kinds: ${EVENT_KINDS.join(', ')}`
  return reject('unknown-kind', kind === undefined ? 'the event has no kind' : `no event kind ${shown(kind)}`, [
    { pointer: '/kind', value: shown(kind), expected: 'a known event kind', remedy },
  ])
}

/** Fields that passed their format but are no instant the log can hold. */
const brokenInstants = (kind: EventKind, event: Readonly<Record<string, unknown>>): FieldError[] =>
  INSTANTS[kind]
    .filter((name) => typeof event[name] === 'string' && Number.isNaN(instantOf(event[name])))
    .map((name) => ({
      pointer: `/${name}`,
      value: shown(event[name]),
      expected: 'an RFC 3339 instant from 1970-01-01 to 2199-12-31, without leap seconds',
      remedy: 'send an RFC 3339 time in UTC, e.g. 2005-09-14T08:30:00Z',
    }))

/** Lone surrogates cannot be encoded in UTF-8: they would not survive the log. */
const brokenTexts = (event: Readonly<Record<string, unknown>>, path = ''): FieldError[] =>
  Object.entries(event).flatMap(([name, value]) => {
    if (typeof value === 'string' && !value.isWellFormed())
      return [{ pointer: `${path}/${name}`, value: '�', expected: 'well-formed Unicode', remedy: 'send surrogates in pairs' }]
    return path === '' && isObject(value) ? brokenTexts(value, `/${name}`) : []
  })

const violation = (what: string, errors: readonly FieldError[]) => {
  const places = errors.length === 1 ? 'one place' : errors.length < ERRORS_MAX ? `${errors.length} places` : `${ERRORS_MAX} places or more`
  return reject('schema-violation', `the ${what} breaks its schema in ${places}`, errors)
}

/** Errors of the schema first, then what a schema cannot say; one a place. */
const errorsOf = (kind: EventKind, value: Record<string, unknown>): FieldError[] => {
  const errors = new Map<string, FieldError>()
  const found = [
    ...describeViolations(EVENT_SCHEMAS[kind], value, VALIDATORS[kind].Errors(value)),
    ...brokenInstants(kind, value),
    ...brokenTexts(value),
  ]
  for (const error of found) if (!errors.has(error.pointer)) errors.set(error.pointer, error)
  return [...errors.values()]
}

/** True where every text is well-formed; the loop of the happy path. */
const isWellFormed = (event: Readonly<Record<string, unknown>>): boolean => {
  for (const name in event) {
    const value = event[name]
    if (typeof value === 'string' ? !value.isWellFormed() : isObject(value) && !isWellFormed(value)) return false
  }
  return true
}

/** Validates a JSON value as one event and turns it into the parsed form, in place; a rejected value is left as it was. */
export const eventOf = (value: unknown): Parsed<ProducedEvent> => {
  if (!isObject(value))
    return reject(
      'schema-violation',
      `an event is a JSON object, this is ${Array.isArray(value) ? 'an array' : shown(value)}; for several events send one a line (application/x-ndjson)`,
    )
  const kind = Object.hasOwn(value, 'kind') ? value['kind'] : undefined
  if (typeof kind !== 'string' || !Object.hasOwn(EVENT_SCHEMAS, kind)) return unknownKind(kind)
  const known = kind as EventKind
  if (!VALIDATORS[known].Check(value) || !isWellFormed(value)) return violation(known, errorsOf(known, value))
  const names = INSTANTS[known]
  for (const name of names)
    if (value[name] !== undefined && Number.isNaN(instantOf(value[name] as string))) return violation(known, errorsOf(known, value))
  for (const name of names) if (value[name] !== undefined) value[name] = instantOf(value[name] as string)
  return { kind: 'accepted', value: value as unknown as ProducedEvent }
}

const malformed = (text: string) => {
  const fault = jsonFaultOf(text)
  if (fault?.kind === 'too-deep') return tooDeep(text, fault.at, fault.pointer)
  const where = fault?.kind === 'syntax' ? `: at ${placeOf(text, fault.at)}, expected ${fault.expected}` : ''
  return reject('malformed-json', `the body is not one JSON document${where}`)
}

const tooDeep = (text: string, at: number, pointer: string) =>
  reject('too-deep', `objects and arrays are nested deeper than ${JSON_DEPTH_MAX} levels at ${placeOf(text, at)}; events are flat`, [
    {
      pointer,
      value: text[at] === '[' ? 'an array' : 'an object',
      expected: `at most ${JSON_DEPTH_MAX} levels of nesting`,
      remedy: 'send the event flat, as its schema has it',
    },
  ])

const repeated = (pointer: string): FieldError => ({
  pointer,
  value: 'more than one value',
  expected: 'each field once',
  remedy: 'send the field once: readers disagree about which of several values counts',
})

/** Adds what the parsed value no longer shows: nesting beyond all schemas, and repeated names. */
const withTextFaults = (text: string, rejection: Rejection): { readonly kind: 'rejected'; readonly rejection: Rejection } => {
  const fault = jsonFaultOf(text)
  if (fault?.kind === 'too-deep') return tooDeep(text, fault.at, fault.pointer)
  const repeats = fault?.kind === 'duplicates' ? fault.pointers.map(repeated) : []
  return reject(rejection.code, rejection.detail, [...repeats, ...rejection.errors])
}

const namesIn = (event: ProducedEvent): number => countKeys(event) + (event.kind === 'protected' ? countKeys(event.attributes) : 0)

const countKeys = (value: object): number => {
  let count = 0
  for (const _ in value) count++
  return count
}

/** Parses the bytes of one JSON event. */
export const parseEvent = (bytes: Uint8Array): Parsed<ProducedEvent> => {
  if (bytes.length > EVENT_BYTES_MAX)
    return reject(
      'too-large',
      `an event may have ${EVENT_BYTES_MAX} bytes and this one has ${bytes.length}; send several events instead of one`,
    )
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    return reject('invalid-utf8', 'the body is not valid UTF-8; send JSON encoded in UTF-8 without other encodings mixed in')
  }
  return parseEventText(text)
}

/** As {@link parseEvent}, of bytes that were decoded and are not too many. */
export const parseEventText = (text: string): Parsed<ProducedEvent> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return malformed(text)
  }
  const parsed = eventOf(json)
  if (parsed.kind === 'rejected') return withTextFaults(text, parsed.rejection)
  if (countNames(text) === namesIn(parsed.value)) return parsed
  const fault = jsonFaultOf(text)
  return fault?.kind === 'duplicates' ? violation(parsed.value.kind, fault.pointers.map(repeated)) : parsed
}

/** The JSON form of a parsed event: instants as RFC 3339 again, absent fields left out. */
export const eventToJson = (event: ProducedEvent): Record<string, unknown> => {
  const json: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(event))
    if (value !== undefined) json[name] = INSTANTS[event.kind].includes(name) ? new Date(value as number).toISOString() : value
  return json
}
