/** Functions whose arguments are not simply values: alternatives, code lists, lookups, dates by pattern, money. */
import { nearest } from '#schemas/nearest.ts'
import type { Names } from './context.ts'
import { datePattern } from './dates.ts'
import { roundDecimal } from './functions.ts'
import { asFlag, asKind, asNumber, asText, commonKind, type Node, type Scope, valueFault } from './node.ts'
import type { Syntax } from './parse.ts'
import { ExpressionFault } from './tokens.ts'

type Call = Extract<Syntax, { kind: 'call' }>
type Compile = (syntax: Syntax) => Node
type SpecialForm = (call: Call, names: Names, compile: Compile) => Node

const argumentsOf = ({ name, at, arguments: given }: Call, count: number, usage: string): readonly Syntax[] => {
  if (given.length !== count) throw new ExpressionFault(at, `${name} takes ${count} arguments, not ${given.length}`, `write ${usage}`)
  return given
}

/** A name that stands for itself: of a code list, a lookup, a kept value. */
const wordOf = (syntax: Syntax, usage: string): string => {
  if (syntax.kind === 'name') return syntax.name
  throw new ExpressionFault(syntax.at, 'a name is wanted here', `write ${usage}`)
}

const unknown = (at: number, what: string, name: string, known: readonly string[]): ExpressionFault => {
  const hint = nearest(name, known)
  return new ExpressionFault(
    at,
    `there is no ${what} ${JSON.stringify(name)}`,
    hint === undefined ? `the mapping has ${known.join(', ') || 'none'}` : `did you mean "${hint}"?`,
  )
}

/** Several nodes of one kind, of which `pick` says which one counts; −1 is missing. */
const oneOf = (nodes: readonly { readonly node: Node; readonly at: number }[], pick: (scope: Scope) => number): Node => {
  const kind = commonKind(nodes)
  if (kind === 'text') {
    const gets = nodes.map(({ node, at }) => asText(node, at))
    const values = nodes.map(({ node }) => (node.kind === 'text' ? node.values : undefined))
    const get = (scope: Scope): string | null => gets[pick(scope)]?.(scope) ?? null
    return values.every((list) => list !== undefined) ? { kind, get, values: values.flat() } : { kind, get }
  }
  if (kind === 'flag') {
    const gets = nodes.map(({ node, at }) => asFlag(node, at))
    return { kind, get: (scope) => gets[pick(scope)]?.(scope) ?? false }
  }
  const gets = nodes.map(({ node, at }) => (kind === 'number' ? asNumber(node, at) : asKind(node, kind, at)))
  return { kind, get: (scope) => gets[pick(scope)]?.(scope) ?? Number.NaN }
}

const presence =
  (wanted: boolean): SpecialForm =>
  (call, _, compile) => {
    const [of] = argumentsOf(call, 1, `${call.name}(COLUMN)`)
    const node = compile(of!)
    if (node.kind === 'flag') throw new ExpressionFault(of!.at, 'a condition is never missing', `write ${call.name}(COLUMN)`)
    if (node.kind === 'cell' || node.kind === 'text') {
      const text = asText(node, of!.at)
      return { kind: 'flag', get: (scope) => (text(scope) !== null) === wanted }
    }
    const { get } = node as { get: (scope: Scope) => number }
    return { kind: 'flag', get: (scope) => !Number.isNaN(get(scope)) === wanted }
  }

export const SPECIAL_FORMS: Readonly<Record<string, SpecialForm>> = {
  present: presence(true),
  missing: presence(false),
  if: (call, _, compile) => {
    const [condition, yes, no] = argumentsOf(call, 3, 'if(condition, value, otherwise)')
    const flag = asFlag(compile(condition!), condition!.at)
    return oneOf(
      [yes!, no!].map((one) => ({ node: compile(one), at: one.at })),
      (scope) => (flag(scope) ? 0 : 1),
    )
  },
  /** `choose(n, a, b, …)`: a where n is 0, b where it is 1, …; missing beyond. */
  choose: (call, _, compile) => {
    const [which, ...rest] = call.arguments
    if (which === undefined || rest.length === 0)
      throw new ExpressionFault(call.at, 'choose needs a number and what to choose from', 'write choose(n, first, second, …)')
    const number = asNumber(compile(which), which.at)
    return oneOf(
      rest.map((one) => ({ node: compile(one), at: one.at })),
      number,
    )
  },
  money: (call, { minorDigits }, compile) => {
    const [of] = argumentsOf(call, 1, 'money(COLUMN)')
    const get = asNumber(compile(of!), of!.at)
    const factor = 10 ** minorDigits
    return {
      kind: 'number',
      get: (scope) => {
        const value = get(scope)
        return Number.isInteger(value) ? value * factor : Math.round(roundDecimal(value, minorDigits) * factor)
      },
    }
  },
  date: (call, _, compile) => {
    const [of, pattern] = argumentsOf(call, 2, "date(COLUMN, 'YYYY-MM-DD')")
    if (pattern!.kind !== 'text')
      throw new ExpressionFault(pattern!.at, 'the pattern is no text', "write 'YYYY-MM-DD', or as the file has it")
    const reader = datePattern(pattern!.value)
    if (reader === undefined)
      throw new ExpressionFault(
        pattern!.at,
        `${JSON.stringify(pattern!.value)} is no pattern of a date`,
        'patterns are made of YYYY or YY, MM or MMM (Jan), DD, HH, mm, ss and what stands between them',
      )
    const node = compile(of!)
    const text = asText(node, of!.at)
    const expected = `a date like ${pattern!.value}`
    return {
      kind: 'time',
      get: (scope) => {
        const value = text(scope)
        if (value === null) return Number.NaN
        const time = reader.read(value)
        if (Number.isNaN(time)) throw valueFault(node, value, expected, 'correct the cell, or the pattern in the mapping')
        return time
      },
    }
  },
  /** `code(list, COLUMN)`: what the list under `codes` says the value means. */
  code: (call, { codes }, compile) => {
    const [list, of] = argumentsOf(call, 2, 'code(list, COLUMN)')
    const name = wordOf(list!, 'code(list, COLUMN)')
    const table = codes.get(name)
    if (table === undefined) throw unknown(list!.at, 'code list', name, [...codes.keys()])
    const node = compile(of!)
    const text = asText(node, of!.at)
    const rest = table.get('*')
    const known = [...table.keys()].slice(0, 20).join(', ')
    return {
      kind: 'text',
      values: [...new Set(table.values())],
      get: (scope) => {
        const value = text(scope)
        if (value === null) return null
        const meaning = table.get(value) ?? table.get(value.trim()) ?? rest
        if (meaning === undefined)
          throw valueFault(node, value, `a code of codes.${name}`, `known are ${known}; add it there, or a rule for the rest under '*'`)
        return meaning
      },
    }
  },
  /** `find(lookup, key, value)`: what the lookup kept under the key; missing where it kept nothing. */
  find: (call, { lookups }, compile) => {
    const usage = 'find(lookup, key, value)'
    const [which, of, kept] = argumentsOf(call, 3, usage)
    const name = wordOf(which!, usage)
    const lookup = lookups.get(name)
    if (lookup === undefined) throw unknown(which!.at, 'lookup (declared above this place)', name, [...lookups.keys()])
    const wanted = wordOf(kept!, usage)
    const column = lookup.columns.findIndex((one) => one.name === wanted)
    if (column < 0)
      throw unknown(
        kept!.at,
        `value of lookup ${name}`,
        wanted,
        lookup.columns.map((one) => one.name),
      )
    const key = asText(compile(of!), of!.at)
    const read = (scope: Scope): number | string | null => {
      const text = key(scope)
      return text === null ? null : (lookup.find(text)?.[column] ?? null)
    }
    if (lookup.columns[column]!.kind === 'text') return { kind: 'text', get: (scope) => read(scope) as string | null }
    return { kind: 'number', get: (scope) => (read(scope) as number | null) ?? Number.NaN }
  },
}
