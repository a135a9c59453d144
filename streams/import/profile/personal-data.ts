/** Columns that say something of a person: by the event fields they become, by what the mapping declares, by their names and by their values. */
import { EVENT_SCHEMAS, type EventKind } from '#schemas/events.ts'
import { parseExpression, type Syntax } from '../expression/parse.ts'
import type { TableMapping } from '../mapping/mapping-schema.ts'
import type { ColumnProfile } from './table-profile.ts'

export interface PersonalFinding {
  readonly column: string
  readonly why: string
  /** Values are not shown. */
  readonly hidden: boolean
}

const luhn = (digits: string): boolean => {
  let sum = 0
  for (const [at, digit] of [...digits].toReversed().entries()) {
    const value = at % 2 === 0 ? Number(digit) : 2 * Number(digit)
    sum += value > 9 ? value - 9 : value
  }
  return sum % 10 === 0
}

/** ISO 13616: letters become two digits, the first four characters go last, the rest of division by 97 is 1. */
const iban = (text: string): boolean => {
  const moved = `${text.slice(4)}${text.slice(0, 4)}`
  let rest = 0
  for (const letter of moved) rest = Number(`${rest}${Number.parseInt(letter, 36)}`) % 97
  return rest === 1
}

const PATTERNS: readonly (readonly [string, (text: string) => boolean])[] = [
  ['e-mail addresses', (text) => /^[^\s@]+@[^\s@]+\.[a-z]{2,}$/i.test(text)],
  ['payment card numbers (Luhn)', (text) => /^(?:\d[ -]?){13,19}$/.test(text) && luhn(text.replaceAll(/\D/g, ''))],
  ['IBANs', (text) => /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(text.replaceAll(' ', '')) && iban(text.replaceAll(' ', ''))],
  ['US social security numbers', (text) => /^\d{3}-\d{2}-\d{4}$/.test(text)],
  ['telephone numbers', (text) => /^(?:\+|00)\d[\d ()/-]{6,18}$/.test(text) || /^\(\d{3}\) ?\d{3}-\d{4}$/.test(text)],
  ['IP addresses', (text) => /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text)],
]
const NAMES =
  /(^|[_ .-])(first|last|full|sur)?_?(name|e?mail|phone|mobile|street|address|ssn|passport|iban|birth(_?date|day)?|dob)($|[_ .-])/i
/** Share of a column's sampled values from which they are what they look like; and how many at least. */
const SHARE_MIN = 0.05
const COUNT_MIN = 3

const byPattern = ({ name, texts }: ColumnProfile): PersonalFinding[] => {
  const present = texts.filter((text) => text !== null)
  return PATTERNS.flatMap(([what, test]) => {
    const found = present.filter(test).length
    return found >= Math.max(COUNT_MIN, SHARE_MIN * present.length)
      ? [{ column: name, why: `${Math.round((100 * found) / present.length)} % of its values look like ${what}`, hidden: true }]
      : []
  })
}

/** Column names that an expression reads, through the names under `let`. */
const columnsOf = (syntax: Syntax, lets: Readonly<Record<string, string>>): string[] => {
  switch (syntax.kind) {
    case 'name': {
      const named = Object.hasOwn(lets, syntax.name) && !syntax.quoted ? lets[syntax.name] : undefined
      if (named === undefined) return [syntax.name]
      // A part may be called as a column is: inside it the name is the column's.
      const { [syntax.name]: _, ...others } = lets
      return columnsOf(parseExpression(named.slice(1)), others)
    }
    case 'call':
      // Of lists and lookups only the key is a column's.
      if (syntax.name === 'code' || syntax.name === 'find') return columnsOf(syntax.arguments[1]!, lets)
      return syntax.arguments.flatMap((argument) => columnsOf(argument, lets))
    case 'unary':
    case 'in':
      return columnsOf(syntax.of, lets)
    case 'binary':
      return [...columnsOf(syntax.left, lets), ...columnsOf(syntax.right, lets)]
    case 'number':
    case 'text':
      return []
    default:
      return syntax satisfies never
  }
}

const classOf = (kind: EventKind, field: string): string => {
  const schema = (EVENT_SCHEMAS[kind].properties as Readonly<Record<string, { readonly pii?: string }>>)[field]
  return schema?.pii ?? 'none'
}

const bySchema = (table: TableMapping): PersonalFinding[] =>
  (table.events ?? []).flatMap(({ kind, fields = {}, attributes = {} }) => {
    const uses = [
      ...Object.entries(fields).map(([field, value]) => ({ field, value, pii: classOf(kind, field) })),
      ...Object.entries(attributes).map(([field, value]) => ({ field, value, pii: 'protected' })),
    ]
    return uses.flatMap(({ field, value, pii }) =>
      pii === 'none' || typeof value !== 'string' || !value.startsWith('=')
        ? []
        : columnsOf(parseExpression(value.slice(1)), table.let ?? {}).map((column) => ({
            column,
            why: `becomes ${kind}.${field} (${pii})`,
            hidden: pii === 'protected',
          })),
    )
  })

/** Everything found, by column; one line for each reason. */
export const personalColumns = (columns: readonly ColumnProfile[], table: TableMapping): readonly PersonalFinding[] => {
  const names = new Set(columns.map(({ name }) => name))
  const declared = Object.entries(table.columns ?? {}).flatMap(([column, { personal }]) =>
    personal === true ? [{ column, why: 'the mapping declares it personal', hidden: true }] : [],
  )
  const named = columns.filter(({ name }) => NAMES.test(name)).map(({ name }) => ({ column: name, why: 'its name says so', hidden: true }))
  const found = [...declared, ...bySchema(table), ...named, ...columns.flatMap(byPattern)].filter(({ column }) => names.has(column))
  return [...new Map(found.map((one) => [`${one.column} ${one.why}`, one])).values()]
}
