/** Fields of one event: from a mapping's literals and expressions to the values a schema wants. */
import Type, { type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { EVENT_SCHEMAS } from '#schemas/events.ts'
import { nearest } from '#schemas/nearest.ts'
import { compileExpression } from '../expression/compile.ts'
import type { Names } from '../expression/context.ts'
import { asFlag, asKind, asNumber, asText, type Node, type Scope } from '../expression/node.ts'
import { ExpressionFault } from '../expression/tokens.ts'
import { type FieldWriter, flagWriter, instantWriter, integerWriter, literalWriter, textWriter } from './field-writers.ts'
import type { Literals } from './literals.ts'
import type { EventMapping } from './mapping-schema.ts'

type FieldValue = string | number | boolean | undefined

export interface FieldProgram {
  readonly name: string
  /** Undefined where the field is missing. Throws CellFault. */
  value(scope: Scope): FieldValue
  /** The short way for what is sound, where there is one. Throws CellFault. */
  readonly write: FieldWriter | undefined
}

interface Described {
  readonly type?: string
  readonly avro?: string
  readonly enum?: readonly string[]
  readonly description?: string
}

/** What the envelope gets from elsewhere in the mapping. */
export const ENVELOPE = ['eventId', 'kind', 'applicantId', 'eventTime', 'producer', 'schemaVersion', 'traceparent', 'tenant']

const ATTRIBUTE: TSchema = Type.String({ minLength: 1, maxLength: 64, description: 'Value of a protected attribute' })

/** A fault at a key of an event, as the mapping has it. */
export class FieldFault extends Error {
  readonly path: readonly string[]
  readonly value: string
  readonly expected: string
  readonly remedy: string
  constructor(path: readonly string[], value: string, expected: string, remedy: string) {
    super(`${path.join('.')}: ${value} is not ${expected}; ${remedy}`)
    this.path = path
    this.value = value
    this.expected = expected
    this.remedy = remedy
  }
}

const propertiesOf = (kind: EventMapping['kind']): Readonly<Record<string, TSchema>> => EVENT_SCHEMAS[kind].properties

/** Milliseconds → RFC 3339; undefined for what no calendar holds. */
export const instantText = (time: number): string | undefined => (Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : undefined)

/** Where a field's value goes: what stands before it in the event, and whether it may be absent. */
interface Place {
  readonly head: string
  readonly optional: boolean
  readonly literals: Literals
}

const expressionField = (name: string, node: Node, schema: TSchema, { head, optional, literals }: Place): FieldProgram => {
  const { type, avro, enum: choices } = schema as Described
  if (avro === 'timestamp-millis') {
    const get = asKind(node, 'time', 0)
    return { name, value: (scope) => instantText(get(scope)), write: instantWriter(literals, head, get, optional) }
  }
  if (type === 'integer' || type === 'number') {
    const get = asNumber(node, 0)
    return {
      name,
      value: (scope) => {
        const value = get(scope)
        return Number.isNaN(value) ? undefined : value
      },
      write: integerWriter(literals, head, get, schema, optional),
    }
  }
  if (type === 'boolean') {
    const get = asFlag(node, 0)
    return { name, value: get, write: flagWriter(literals, head, get) }
  }
  const wrong = choices && node.kind === 'text' ? node.values?.find((value) => !choices.includes(value)) : undefined
  if (wrong !== undefined)
    throw new FieldFault(
      [name],
      JSON.stringify(wrong),
      `one of ${choices!.join(', ')}`,
      'correct the code list or the literal that gives it',
    )
  const get = asText(node, 0)
  return { name, value: (scope) => get(scope) ?? undefined, write: textWriter(literals, head, get, schema, optional) }
}

const literalField = (name: string, value: string | number | boolean, schema: TSchema, { head, literals }: Place): FieldProgram => {
  if (Value.Check(schema, value)) return { name, value: () => value, write: literalWriter(literals, head, value) }
  const { description = name, enum: choices, type = 'text' } = schema as Described
  throw new FieldFault(
    [name],
    JSON.stringify(value),
    choices ? `one of ${choices.join(', ')}` : `a ${type} for "${description}"`,
    'correct the literal, or begin it with "=" if it is an expression',
  )
}

const fieldProgram = (name: string, value: string | number | boolean, schema: TSchema, names: Names, place: Place): FieldProgram => {
  if (typeof value !== 'string' || !value.startsWith('=')) return literalField(name, value, schema, place)
  try {
    return expressionField(name, compileExpression(value.slice(1), names), schema, place)
  } catch (error) {
    throw error instanceof ExpressionFault ? expressionFault([name], value, error) : error
  }
}

export const expressionFault = (path: readonly string[], source: string, fault: ExpressionFault): FieldFault =>
  new FieldFault(path, JSON.stringify(source), `a sound expression: ${fault.message} (character ${fault.at + 2})`, fault.remedy)

/** Programs of an event's own fields; every required one is there. */
export const fieldPrograms = (event: EventMapping, names: Names, literals: Literals): FieldProgram[] => {
  const properties = propertiesOf(event.kind)
  const wanted = Object.keys(properties).filter((name) => !ENVELOPE.includes(name) && name !== 'attributes')
  const given = event.fields ?? {}
  const { required = [] } = EVENT_SCHEMAS[event.kind] as { readonly required?: readonly string[] }
  const programs = Object.entries(given).map(([name, value]) => {
    const schema = wanted.includes(name) ? properties[name] : undefined
    if (schema === undefined) {
      const hint = nearest(name, wanted)
      throw new FieldFault(
        ['fields', name],
        JSON.stringify(name),
        `a field of ${event.kind}`,
        hint ? `did you mean "${hint}"?` : `its fields are ${wanted.join(', ')}`,
      )
    }
    const place = { head: `,${JSON.stringify(name)}:`, optional: !required.includes(name), literals }
    return inPath('fields', () => fieldProgram(name, value, schema, names, place))
  })
  const absent = required.find((name) => wanted.includes(name) && !(name in given))
  if (absent !== undefined)
    throw new FieldFault(
      ['fields'],
      `no ${absent}`,
      `an event of kind ${event.kind}`,
      `add ${absent}: ${(properties[absent] as Described).description ?? ''}`,
    )
  return programs
}

/** Programs of a protected event's attributes; none for other kinds. */
export const attributePrograms = (event: EventMapping, names: Names, literals: Literals): FieldProgram[] | undefined => {
  if ((event.kind === 'protected') !== (event.attributes !== undefined))
    throw new FieldFault(['kind'], event.kind, 'what goes with attributes', 'protected events have attributes, and only they')
  return (
    event.attributes &&
    Object.entries(event.attributes).map(([name, value]) => {
      const place = { head: `${JSON.stringify(name)}:`, optional: true, literals }
      return inPath('attributes', () => fieldProgram(name, value, ATTRIBUTE, names, place))
    })
  )
}

const inPath = <Result>(key: string, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    if (error instanceof FieldFault) throw new FieldFault([key, ...error.path], error.value, error.expected, error.remedy)
    throw error
  }
}
