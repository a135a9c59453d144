/** Operators between two compiled parts. */
import { asFlag, asKind, asNumber, asText, commonKind, mismatch, type Node, type Scope } from './node.ts'
import type { Syntax } from './parse.ts'
import { ExpressionFault } from './tokens.ts'

interface Side {
  readonly node: Node
  readonly at: number
}

type Get = (scope: Scope) => number

const ARITHMETIC: Readonly<Record<string, (left: Get, right: Get) => Get>> = {
  '+': (left, right) => (scope) => left(scope) + right(scope),
  '-': (left, right) => (scope) => left(scope) - right(scope),
  '*': (left, right) => (scope) => left(scope) * right(scope),
  // Division by zero is missing, not infinite: no field takes infinity.
  '/': (left, right) => (scope) => {
    const divisor = right(scope)
    return divisor === 0 ? Number.NaN : left(scope) / divisor
  },
  '%': (left, right) => (scope) => left(scope) % right(scope),
}

/** Instant ± span, span ± span, instant − instant, span × number; all else numbers. */
const arithmetic = (sign: string, left: Side, right: Side): Node => {
  const step = ARITHMETIC[sign]!
  const kinds = `${left.node.kind} ${sign} ${right.node.kind}`
  const get = (side: Side): Get => {
    const { kind } = side.node
    return kind === 'time' || kind === 'span' ? asKind(side.node, kind, side.at) : asNumber(side.node, side.at)
  }
  if (kinds === 'time + span' || kinds === 'time - span') return { kind: 'time', get: step(get(left), get(right)) }
  if (kinds === 'time - time' || kinds === 'span + span' || kinds === 'span - span')
    return { kind: 'span', get: step(get(left), get(right)) }
  if (left.node.kind === 'span' && (sign === '*' || sign === '/'))
    return { kind: 'span', get: step(get(left), asNumber(right.node, right.at)) }
  if (left.node.kind === 'time') throw mismatch(right.at, 'span', right.node.kind)
  return { kind: 'number', get: step(asNumber(left.node, left.at), asNumber(right.node, right.at)) }
}

const NUMBER_TESTS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b && !Number.isNaN(a) && !Number.isNaN(b),
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** Numbers where either side is one, else texts; texts compare by code unit. Anything missing: false. */
const comparison = (sign: string, left: Side, right: Side): Node => {
  const kind = commonKind([left, right])
  if (kind === 'flag') throw mismatch(left.at, 'number', 'flag')
  if (kind === 'text') {
    const [a, b] = [asText(left.node, left.at), asText(right.node, right.at)]
    const test = TEXT_TESTS[sign]!
    return {
      kind: 'flag',
      get: (scope) => {
        const [one, other] = [a(scope), b(scope)]
        return one !== null && other !== null && test(one, other)
      },
    }
  }
  const read = ({ node, at }: Side): Get => (kind === 'number' ? asNumber(node, at) : asKind(node, kind, at))
  const [a, b] = [read(left), read(right)]
  const test = NUMBER_TESTS[sign]!
  return { kind: 'flag', get: (scope) => test(a(scope), b(scope)) }
}

const TEXT_TESTS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** The left side, or where it is missing the right. */
const otherwise = (left: Side, right: Side): Node => {
  const kind = commonKind([left, right])
  if (kind === 'flag') throw mismatch(left.at, 'number', 'flag')
  if (kind === 'text') {
    const [a, b] = [asText(left.node, left.at), asText(right.node, right.at)]
    return { kind, get: (scope) => a(scope) ?? b(scope) }
  }
  const read = ({ node, at }: Side): Get => (kind === 'number' ? asNumber(node, at) : asKind(node, kind, at))
  const [a, b] = [read(left), read(right)]
  return {
    kind,
    get: (scope) => {
      const value = a(scope)
      return Number.isNaN(value) ? b(scope) : value
    },
  }
}

/** Missing where either part is: half an identifier names something else. */
const joined = (left: Side, right: Side): Node => {
  const [a, b] = [asText(left.node, left.at), asText(right.node, right.at)]
  return {
    kind: 'text',
    get: (scope) => {
      const [one, other] = [a(scope), b(scope)]
      return one === null || other === null ? null : one + other
    },
  }
}

export const binary = (sign: string, left: Side, right: Side): Node => {
  if (sign === 'and' || sign === 'or') {
    const [a, b] = [asFlag(left.node, left.at), asFlag(right.node, right.at)]
    return { kind: 'flag', get: sign === 'and' ? (scope) => a(scope) && b(scope) : (scope) => a(scope) || b(scope) }
  }
  if (sign === '??') return otherwise(left, right)
  if (sign === '&') return joined(left, right)
  return sign in ARITHMETIC ? arithmetic(sign, left, right) : comparison(sign, left, right)
}

/** `x in [a, b]`: literals of one kind. */
export const membership = (of: Node, { at, choices }: Extract<Syntax, { kind: 'in' }>): Node => {
  const numbers = choices.flatMap((choice) => (choice.kind === 'number' ? [choice.value] : []))
  if (numbers.length === choices.length && numbers.length > 0) {
    const [get, set] = [asNumber(of, at), new Set(numbers)]
    return { kind: 'flag', get: (scope) => set.has(get(scope)) }
  }
  const texts = choices.flatMap((choice) => (choice.kind === 'text' ? [choice.value] : []))
  if (texts.length < choices.length || texts.length === 0)
    throw new ExpressionFault(at, 'the list after in holds something else than literals of one kind', "write in ['A', 'B'] or in [1, 2]")
  const [get, set] = [asText(of, at), new Set<string | null>(texts)]
  return { kind: 'flag', get: (scope) => set.has(get(scope)) }
}
