/** Syntax tree → typed closures. Every name is resolved and every kind checked here, before the first row is read. */
import { nearest } from '#schemas/nearest.ts'
import type { Names } from './context.ts'
import { type FunctionRule, FUNCTIONS } from './functions.ts'
import { asFlag, asKind, asNumber, asText, type Node, type Scope } from './node.ts'
import { binary, membership } from './operators.ts'
import { parseExpression, type Syntax } from './parse.ts'
import { SPECIAL_FORMS } from './special-forms.ts'
import { ExpressionFault } from './tokens.ts'

/** @throws ExpressionFault */
export const compileExpression = (source: string, names: Names): Node => compile(parseExpression(source), names)

export const compile = (syntax: Syntax, names: Names): Node => {
  switch (syntax.kind) {
    case 'number': {
      const { value } = syntax
      return { kind: 'number', get: () => value }
    }
    case 'text': {
      const { value } = syntax
      return { kind: 'text', get: () => value, values: [value], constant: value }
    }
    case 'name':
      return nameOf(syntax.name, syntax.quoted, syntax.at, names)
    case 'call':
      return call(syntax, names)
    case 'unary': {
      const of = compile(syntax.of, names)
      if (syntax.sign === 'not') {
        const flag = asFlag(of, syntax.of.at)
        return { kind: 'flag', get: (scope) => !flag(scope) }
      }
      const kind = of.kind === 'span' ? 'span' : 'number'
      const get = kind === 'span' ? asKind(of, 'span', syntax.of.at) : asNumber(of, syntax.of.at)
      return { kind, get: (scope) => -get(scope) }
    }
    case 'binary':
      return binary(
        syntax.sign,
        { node: compile(syntax.left, names), at: syntax.left.at },
        { node: compile(syntax.right, names), at: syntax.right.at },
      )
    case 'in':
      return membership(compile(syntax.of, names), syntax)
    default:
      return syntax satisfies never
  }
}

const MISSING: Node = { kind: 'text', get: () => null }

const nameOf = (name: string, quoted: boolean, at: number, names: Names): Node => {
  if (!quoted) {
    if (name === names.each) return { kind: 'number', get: ({ each }) => each }
    const named = names.lets.get(name)
    if (named !== undefined) return named
    if (name === 'origin') return { kind: 'time', get: () => names.origin }
  }
  const column = names.column(name)
  if (column === null) return MISSING
  if (column !== undefined) return { kind: 'cell', column: column.index, rule: column.rule }
  const known = [...names.columns, ...names.lets.keys(), 'origin']
  const hint = nearest(name, known)
  throw new ExpressionFault(
    at,
    `there is no column ${JSON.stringify(name)}`,
    hint === undefined
      ? `the columns are ${names.columns.slice(0, 40).join(', ')}; if files may lack it, say columns.${name}.optional: true`
      : `did you mean "${hint}"?`,
  )
}

const call = (syntax: Extract<Syntax, { kind: 'call' }>, names: Names): Node => {
  const special = Object.hasOwn(SPECIAL_FORMS, syntax.name) ? SPECIAL_FORMS[syntax.name] : undefined
  if (special !== undefined) return special(syntax, names, (one) => compile(one, names))
  const rule = Object.hasOwn(FUNCTIONS, syntax.name) ? FUNCTIONS[syntax.name] : undefined
  if (rule !== undefined) return plainCall(syntax, rule, names)
  const known = [...Object.keys(FUNCTIONS), ...Object.keys(SPECIAL_FORMS)]
  const hint = nearest(syntax.name, known)
  throw new ExpressionFault(
    syntax.at,
    `there is no function ${JSON.stringify(syntax.name)}`,
    hint === undefined ? `the functions are ${known.join(', ')}` : `did you mean "${hint}"?`,
  )
}

const plainCall = (syntax: Extract<Syntax, { kind: 'call' }>, rule: FunctionRule, names: Names): Node => {
  const { parameters, optional = 0, repeats = false } = rule
  const count = syntax.arguments.length
  if (count < parameters.length - optional || (count > parameters.length && !repeats))
    throw new ExpressionFault(
      syntax.at,
      `${syntax.name} takes ${parameters.length - optional}${optional > 0 ? ` to ${parameters.length}` : ''}${repeats ? ' or more' : ''} arguments, not ${count}`,
      'correct the list in parentheses',
    )
  const numbers: ((scope: Scope) => number)[] = []
  const texts: ((scope: Scope) => string | null)[] = []
  syntax.arguments.forEach((argument, index) => {
    const kind = parameters[Math.min(index, parameters.length - 1)]!
    const node = compile(argument, names)
    if (kind === 'text') texts[index] = asText(node, argument.at)
    else numbers[index] = kind === 'number' ? asNumber(node, argument.at) : asKind(node, kind, argument.at)
  })
  return rule.make(numbers, texts)
}
