/** One JSON document from a producer → a parsed event, or a rejection that names every field, value and remedy. Never throws. */
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { EVENT_KINDS, EVENT_SCHEMAS, type EventKind, type ProducedEvent } from './events.ts'
import { nearest } from './nearest.ts'
import type { FieldError, Parsed, Rejection } from './rejection.ts'
import { describeViolations, shown, type Violation } from './violation.ts'

/** Largest event accepted, in bytes: the largest real one is under 2 KB; the bound keeps one producer from stalling the loop. */
export const EVENT_BYTES_MAX = 1_048_576
/** Event times accepted, whatever the retention: 1970-01-01 to 2200-01-01, milliseconds. */
const EVENT_TIME_MS_MAX = 7_258_118_400_000
const ERRORS_MAX = 16
Settings.Set({ maxErrors: ERRORS_MAX })

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

/** RFC 3339 → milliseconds; NaN outside the range or where the text is none (leap seconds included: the log's clock has none). */
const instantOf = (text: string): number => {
  const milliseconds = Date.parse(text)
  return milliseconds >= 0 && milliseconds < EVENT_TIME_MS_MAX ? milliseconds : Number.NaN
}

const unknownKind = (kind: unknown) => {
  const hint = typeof kind === 'string' ? nearest(kind, EVENT_KINDS) : undefined
  const remedy = `${hint ? `did you mean "${hint}"? ` : ''}known kinds: ${EVENT_KINDS.join(', ')}`
  return reject('unknown-kind', kind === undefined ? 'the event has no kind' : `no event kind ${shown(kind)}`, [
    { pointer: '/kind', value: shown(kind), expected: 'a known event kind', remedy },
  ])
}

const parseJson = (bytes: Uint8Array): Parsed<unknown> => {
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    return reject('invalid-utf8', 'the body is not valid UTF-8; send JSON encoded in UTF-8 without other encodings mixed in')
  }
  try {
    return { kind: 'accepted', value: JSON.parse(text) }
  } catch (error) {
    const message =
      error instanceof Error
        ? error.message.replace(/^.*?(?=Unexpected|Expected|Bad|Unterminated|No number|Exponent)/s, '').slice(0, 160)
        : 'not JSON'
    return reject('malformed-json', `the body is not one JSON document: ${message}`)
  }
}

/** Turns an object that passed its schema into the parsed form, in place. */
const parseInstants = (kind: EventKind, event: Record<string, unknown>): FieldError[] => {
  const errors: FieldError[] = []
  for (const name of INSTANTS[kind]) {
    const given = event[name]
    if (given === undefined) continue
    const milliseconds = instantOf(given as string)
    if (Number.isNaN(milliseconds))
      errors.push({
        pointer: `/${name}`,
        value: shown(given),
        expected: 'an instant from 1970-01-01 to 2199-12-31',
        remedy: 'send an RFC 3339 time in UTC, e.g. 2005-09-14T08:30:00Z',
      })
    event[name] = milliseconds
  }
  return errors
}

/** Lone surrogates cannot be encoded in UTF-8: they would not survive the log. */
const brokenText = (event: Record<string, unknown>): FieldError[] =>
  Object.entries(event)
    .filter(([, value]) => typeof value === 'string' && !value.isWellFormed())
    .map(([name]) => ({ pointer: `/${name}`, value: '�', expected: 'well-formed Unicode', remedy: 'send surrogates in pairs' }))

/** Validates a JSON value as one event. */
export const eventOf = (value: unknown): Parsed<ProducedEvent> => {
  if (!isObject(value))
    return reject(
      'schema-violation',
      `an event is a JSON object, this is ${Array.isArray(value) ? 'an array' : shown(value)}; for several events send one a line (application/x-ndjson)`,
    )
  const kind = Object.hasOwn(value, 'kind') ? value['kind'] : undefined
  if (typeof kind !== 'string' || !Object.hasOwn(EVENT_SCHEMAS, kind)) return unknownKind(kind)
  const known = kind as EventKind
  const validator = VALIDATORS[known]
  if (!validator.Check(value)) {
    const errors = describeViolations(EVENT_SCHEMAS[known], value, validator.Errors(value))
    return reject(
      'schema-violation',
      `the ${known} breaks its schema in ${errors.length === 1 ? 'one place' : `${errors.length} places`}`,
      errors,
    )
  }
  const errors = [...parseInstants(known, value), ...brokenText(value)]
  if (errors.length > 0)
    return reject(
      'schema-violation',
      `the ${known} breaks its schema in ${errors.length === 1 ? 'one place' : `${errors.length} places`}`,
      errors,
    )
  return { kind: 'accepted', value: value as unknown as ProducedEvent }
}

/** Parses the bytes of one JSON event. */
export const parseEvent = (bytes: Uint8Array): Parsed<ProducedEvent> => {
  if (bytes.length > EVENT_BYTES_MAX)
    return reject(
      'too-large',
      `an event may have ${EVENT_BYTES_MAX} bytes and this one has ${bytes.length}; send several events instead of one`,
    )
  const json = parseJson(bytes)
  return json.kind === 'rejected' ? json : eventOf(json.value)
}

/** The JSON form of a parsed event: instants as RFC 3339 again, absent fields left out. */
export const eventToJson = (event: ProducedEvent): Record<string, unknown> => {
  const json: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(event))
    if (value !== undefined) json[name] = INSTANTS[event.kind].includes(name) ? new Date(value as number).toISOString() : value
  return json
}
