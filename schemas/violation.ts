/** Turns a validator's findings into errors for people: pointer, value, what was expected, what to do. */
import { nearest } from './nearest.ts'
import type { FieldError } from './rejection.ts'

export interface Violation {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

interface Described {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly unit?: string
  readonly pii?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Described>>
  readonly patternProperties?: Readonly<Record<string, Described>>
}

const SHOWN_MAX = 64
const MASK = '•••'
/** Values of these classes are not repeated in errors, logs or dead-letter reasons. */
const MASKED = new Set(['quasi', 'sensitive', 'protected'])

/** A value short enough for a message; never recurses into what a hostile sender nested. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'absent'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_MAX + 1)) : `${value as number | boolean | null}`
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}

/** Masks numbers and texts of personal fields, but says their type: that is mostly what was wrong. */
const masked = (value: unknown, schema: Described | undefined): string =>
  schema?.pii !== undefined && MASKED.has(schema.pii) && value !== undefined && (typeof value === 'string' || typeof value === 'number')
    ? `${MASK} (${typeof value})`
    : shown(value)

const expectedOf = (schema: Described): string => {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return `one of ${schema.enum.join(', ')}`
  if (schema.format === 'date-time') return 'an RFC 3339 instant, e.g. 2005-09-14T08:30:00Z'
  const unit = schema.unit && !['identifier', 'text', 'category'].includes(schema.unit) ? ` (${schema.unit})` : ''
  if (schema.type === 'integer' || schema.type === 'number')
    return `${schema.type === 'integer' ? 'an integer' : 'a number'} from ${schema.minimum ?? '−∞'} to ${schema.maximum ?? '∞'}${unit}`
  if (schema.type === 'string') {
    const length = schema.maxLength === undefined ? '' : ` of ${schema.minLength ?? 0} to ${schema.maxLength} characters`
    return `a string${length}${schema.pattern ? ` matching ${schema.pattern}` : ''}${unit}`
  }
  return schema.type === undefined ? 'another value' : `${schema.type === 'object' ? 'an' : 'a'} ${schema.type}`
}

const unescape = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

/** Schema and value that a pointer leads to. */
const follow = (schema: Described, value: unknown, pointer: string): { schema: Described | undefined; value: unknown } => {
  let at: Described | undefined = schema
  let found = value
  for (const token of pointer.split('/').slice(1).map(unescape)) {
    at = at?.properties?.[token] ?? Object.values(at?.patternProperties ?? {})[0]
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, token) ? (found as Record<string, unknown>)[token] : undefined
  }
  return { schema: at, value: found }
}

const unknownField = (schema: Described, path: string, name: string): FieldError => {
  const known = Object.keys(schema.properties ?? {})
  const hint = nearest(name, known)
  const pointer = `${path}/${name.slice(0, SHOWN_MAX).replaceAll('~', '~0').replaceAll('/', '~1')}`
  return {
    pointer,
    value: shown(name),
    expected: 'a field of this kind',
    remedy: hint ? `did you mean "${hint}"?` : `leave it out${known.length > 0 ? `; the fields are ${known.join(', ')}` : ''}`,
  }
}

/** One error a place, in the validator's order. `schema` is the JSON Schema the value was checked against. */
export const describeViolations = (schema: object, value: unknown, violations: readonly Violation[]): FieldError[] => {
  const errors = new Map<string, FieldError>()
  const add = (error: FieldError): void => {
    if (!errors.has(error.pointer)) errors.set(error.pointer, error)
  }
  for (const { keyword, instancePath, params } of violations) {
    const place = follow(schema, value, instancePath)
    if (keyword === 'boolean') {
      const cut = instancePath.lastIndexOf('/')
      const parent = follow(schema, value, instancePath.slice(0, cut))
      add(unknownField(parent.schema ?? {}, instancePath.slice(0, cut), unescape(instancePath.slice(cut + 1))))
      continue
    }
    if (keyword === 'additionalProperties') {
      for (const name of (params['additionalProperties'] as string[]).slice(0, 16))
        add(unknownField(place.schema ?? {}, instancePath, name))
    } else if (keyword === 'required') {
      for (const name of params['requiredProperties'] as string[]) {
        const field = place.schema?.properties?.[name]
        add({
          pointer: `${instancePath}/${name}`,
          value: 'absent',
          expected: expectedOf(field ?? {}),
          remedy: `send ${name}${field?.description ? `: ${field.description}` : ''}`,
        })
      }
    } else {
      const field = place.schema ?? {}
      const wasText = typeof place.value === 'string' && (field.type === 'integer' || field.type === 'number')
      const remedy = wasText
        ? 'send a JSON number, without quotes'
        : `correct ${instancePath.slice(1) || 'the event'}${field.description ? `: ${field.description}` : ''}`
      add({ pointer: instancePath, value: masked(place.value, field), expected: expectedOf(field), remedy })
    }
  }
  return [...errors.values()]
}
