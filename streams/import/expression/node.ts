/**
 * Compiled expressions: one closure per node, typed, without a value in between. Missing is NaN for numbers, instants and spans, null for texts;
 * a condition on something missing is false.
 */
import { CellFault, type ColumnRule, numberOf, type Row, shownCell } from '../row.ts'
import { ExpressionFault } from './tokens.ts'

/** What an expression is evaluated against. `stamp` changes with every row and every turn of `each`. */
export interface Scope {
  row: Row
  each: number
  stamp: number
}

export type NumberKind = 'number' | 'time' | 'span'
export type Kind = NumberKind | 'text' | 'flag' | 'cell'

export type Node =
  /** Numbers; instants in epoch milliseconds; spans in milliseconds. */
  | { readonly kind: NumberKind; readonly get: (scope: Scope) => number }
  /** `values`: everything it can be, where that is known. `constant`: what it always is. */
  | {
      readonly kind: 'text'
      readonly get: (scope: Scope) => string | null
      readonly values?: readonly string[]
      readonly constant?: string
    }
  | { readonly kind: 'flag'; readonly get: (scope: Scope) => boolean }
  /** A column, not yet read as anything. */
  | { readonly kind: 'cell'; readonly column: number; readonly rule: ColumnRule }

export type NumberNode = Extract<Node, { get: (scope: Scope) => number }>
export type TextNode = Extract<Node, { kind: 'text' }>
export type FlagNode = Extract<Node, { kind: 'flag' }>

const NAMES: Readonly<Record<Kind, string>> = {
  number: 'a number',
  time: 'an instant',
  span: 'a span of time',
  text: 'a text',
  flag: 'a condition',
  cell: 'a column',
}
const REMEDIES: Readonly<Partial<Record<Kind, string>>> = {
  time: "make one of a column with date(COLUMN, 'YYYY-MM-DD')",
  span: 'make one of a number with days(…), hours(…), minutes(…) or seconds(…)',
  flag: "write a comparison, such as COLUMN = 'Y' or present(COLUMN)",
  number: 'numbers come from columns, figures and functions such as inDays(span)',
}

export const mismatch = (at: number, wanted: Kind, got: Kind): ExpressionFault =>
  new ExpressionFault(at, `${NAMES[wanted]} is wanted here and this is ${NAMES[got]}`, REMEDIES[wanted] ?? `write ${NAMES[wanted]}`)

/** Texts that an expression made, where a number is wanted: they have no column to be named by. */
const MADE: ColumnRule = { name: 'expression', missing: new Set(), missingNumbers: [], personal: false }

const numeric = (node: Node, at: number): NumberNode => {
  if (node.kind === 'cell') {
    const { column } = node
    return { kind: 'number', get: ({ row }) => row.value(column) }
  }
  if (node.kind === 'text') {
    const { get } = node
    return {
      kind: 'number',
      get: (scope) => {
        const text = get(scope)
        return text === null ? Number.NaN : numberOf(text, MADE)
      },
    }
  }
  if (node.kind === 'number') return node
  throw mismatch(at, 'number', node.kind)
}

export const asNumber = (node: Node, at: number): ((scope: Scope) => number) => numeric(node, at).get

/** Instants and spans: nothing becomes one by itself. */
export const asKind = (node: Node, kind: 'time' | 'span', at: number): ((scope: Scope) => number) => {
  if (node.kind !== kind) throw mismatch(at, kind, node.kind)
  return node.get
}

export const asText = (node: Node, at: number): ((scope: Scope) => string | null) => {
  switch (node.kind) {
    case 'cell': {
      const { column } = node
      return ({ row }) => row.text(column)
    }
    case 'text':
      return node.get
    case 'number': {
      const { get } = node
      return (scope) => {
        const value = get(scope)
        return Number.isNaN(value) ? null : String(value)
      }
    }
    case 'time':
    case 'span':
    case 'flag':
      throw mismatch(at, 'text', node.kind)
    default:
      return node satisfies never
  }
}

export const asFlag = (node: Node, at: number): ((scope: Scope) => boolean) => {
  if (node.kind !== 'flag') throw mismatch(at, 'flag', node.kind)
  return node.get
}

/** A fault of a value that an expression read from `node`. */
export const valueFault = (node: Node, text: string, expected: string, remedy: string): CellFault => {
  const rule = node.kind === 'cell' ? node.rule : MADE
  return new CellFault(rule.name, shownCell(text, rule), expected, remedy)
}

/** The kind that several alternatives share: columns become what the others are, texts where nothing says. */
export const commonKind = (nodes: readonly { readonly node: Node; readonly at: number }[]): Exclude<Kind, 'cell'> => {
  let common: Exclude<Kind, 'cell'> | undefined
  for (const { node, at } of nodes) {
    if (node.kind === 'cell') continue
    if (common !== undefined && node.kind !== common) throw mismatch(at, common, node.kind)
    common = node.kind
  }
  return common ?? 'text'
}
