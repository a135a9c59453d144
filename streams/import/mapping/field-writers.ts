/**
 * Fields straight to bytes, for values that a schema's own words show to be sound: an integer within its range, one of a choice, an instant of the
 * calendar, a text of plain letters. Whatever else a value may be is left to the full check, which says what is wrong with it: a writer that
 * refuses decides nothing.
 */
import type { TSchema } from 'typebox'
import { EVENT_TIME_MS_MAX } from '#schemas/parse-event.ts'
import type { Scope } from '../expression/node.ts'
import { type EventLines, IDENTIFIER, PLAIN } from './event-lines.ts'
import type { Literals } from './literals.ts'

/** Writes `,"name":value`; writes nothing for a missing optional field. False: the full check must judge. */
export type FieldWriter = (scope: Scope, lines: EventLines) => boolean

interface Described {
  readonly type?: string
  readonly avro?: string
  readonly enum?: readonly string[]
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
}

/** Words of a schema that are known here; a schema that says more has no writer. */
const KNOWN = new Set('type avro enum format pattern minimum maximum minLength maxLength description unit pii title'.split(' '))
const IDENTIFIER_PATTERN = '^[A-Za-z0-9._:~-]+$'

const known = (schema: TSchema): Described | undefined =>
  Object.keys(schema).every((word) => KNOWN.has(word) || word.startsWith('~')) ? schema : undefined

export const integerWriter = (
  literals: Literals,
  head: string,
  get: (scope: Scope) => number,
  schema: TSchema,
  optional: boolean,
): FieldWriter | undefined => {
  const described = known(schema)
  if (described?.type !== 'integer') return undefined
  const least = Math.max(described.minimum ?? -Infinity, Number.MIN_SAFE_INTEGER)
  const most = Math.min(described.maximum ?? Infinity, Number.MAX_SAFE_INTEGER)
  const before = literals.numberOf(head)
  return (scope, lines) => {
    const value = get(scope)
    if (Number.isNaN(value)) return optional
    if (!Number.isInteger(value) || value < least || value > most) return false
    lines.literal(before)
    lines.integer(value)
    return true
  }
}

export const instantWriter = (literals: Literals, head: string, get: (scope: Scope) => number, optional: boolean): FieldWriter => {
  const before = literals.numberOf(head)
  return (scope, lines) => {
    const time = get(scope)
    if (Number.isNaN(time)) return optional
    if (!isEventTime(time)) return false
    lines.literal(before)
    lines.instant(time)
    return true
  }
}

export const isEventTime = (time: number): boolean => time >= 0 && time < EVENT_TIME_MS_MAX && Number.isInteger(time)

export const flagWriter = (literals: Literals, head: string, get: (scope: Scope) => boolean): FieldWriter => {
  const [yes, no] = [literals.numberOf(`${head}true`), literals.numberOf(`${head}false`)]
  return (scope, lines) => {
    lines.literal(get(scope) ? yes : no)
    return true
  }
}

const choiceWriter = (
  literals: Literals,
  head: string,
  get: (scope: Scope) => string | null,
  choices: readonly string[],
  optional: boolean,
): FieldWriter => {
  const whole = new Map(choices.map((choice) => [choice, literals.numberOf(`${head}${JSON.stringify(choice)}`)]))
  return (scope, lines) => {
    const value = get(scope)
    if (value === null) return optional
    const literal = whole.get(value)
    if (literal === undefined) return false
    lines.literal(literal)
    return true
  }
}

export const textWriter = (
  literals: Literals,
  head: string,
  get: (scope: Scope) => string | null,
  schema: TSchema,
  optional: boolean,
): FieldWriter | undefined => {
  const described = known(schema)
  if (described?.type !== 'string' || described.format !== undefined) return undefined
  const { enum: choices, pattern, minLength = 0, maxLength = Infinity } = described
  if (choices !== undefined)
    return choices.every((choice) => isPlain(choice)) ? choiceWriter(literals, head, get, choices, optional) : undefined
  const letterClass = pattern === IDENTIFIER_PATTERN ? IDENTIFIER : PLAIN
  // The letters of an identifier are the whole of its pattern, as it has at least one.
  const shape = pattern === undefined || letterClass === IDENTIFIER ? undefined : new RegExp(pattern, 'u')
  const least = letterClass === IDENTIFIER ? Math.max(1, minLength) : minLength
  const [before, after] = [literals.numberOf(`${head}"`), literals.numberOf('"')]
  let last: string | null = null
  return (scope, lines) => {
    const value = get(scope)
    if (value === null) return optional
    if (value.length < least || value.length > maxLength) return false
    if (shape !== undefined && value !== last) {
      if (!shape.test(value)) return false
      last = value
    }
    lines.literal(before)
    if (!lines.letters(value, letterClass)) return false
    lines.literal(after)
    return true
  }
}

/** A value that was checked when the mapping was read. */
export const literalWriter = (literals: Literals, head: string, value: string | number | boolean): FieldWriter | undefined => {
  if (typeof value === 'string' && !isPlain(value)) return undefined
  const literal = literals.numberOf(`${head}${JSON.stringify(value)}`)
  return (_, lines) => {
    lines.literal(literal)
    return true
  }
}

export const isPlain = (text: string): boolean => /^[ !#-[\]-~]*$/.test(text)
