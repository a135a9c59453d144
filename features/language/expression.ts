/**
 * Per-event values: numbers computed from one event, its predecessor of the same kind, and what happened between the two. Expressions are
 * data, not functions, so that they can be hashed, compiled to column passes and, elsewhere, written as SQL.
 *
 * Missing values: an operand that is missing (NaN) makes the result missing, comparisons included; so does division by zero.
 * Flags are 1 (true), 0 (false) or missing.
 */
import type { FoldedKind, NumericField } from './kinds.ts'

export type ArithmeticOperator = 'add' | 'subtract' | 'divide' | 'at-most'
export type Comparison = 'greater' | 'at-least' | 'equal'

export type ExpressionNode =
  | { readonly op: 'field'; readonly field: string }
  | { readonly op: 'constant'; readonly value: number }
  | { readonly op: ArithmeticOperator | Comparison; readonly left: ExpressionNode; readonly right: ExpressionNode }
  /** `value` where `flag` is 1, else missing. */
  | { readonly op: 'when'; readonly flag: ExpressionNode; readonly value: ExpressionNode }
  /** The value at the entity's previous event of this kind; missing at the first. */
  | { readonly op: 'previous'; readonly of: ExpressionNode }
  /** Sum of `field` over the events of kind `on` in (previous event's time, this event's time]; missing at the first. */
  | { readonly op: 'sum-since-previous'; readonly on: FoldedKind; readonly field: string }

/** An expression over events of one kind; `on` keeps statements' values out of payments' features at compile time. */
export interface Expression<Kind extends FoldedKind> {
  readonly on: Kind
  readonly node: ExpressionNode
  readonly flag: boolean
}

/** An expression with the name it takes in feature names, and its meaning. */
export interface NamedExpression<Kind extends FoldedKind> extends Expression<Kind> {
  readonly name: string
  readonly unit: string
  /** Noun phrase that reads after "mean of". */
  readonly phrase: string
}

type Operand<Kind extends FoldedKind> = Expression<Kind> | number

const operand = <Kind extends FoldedKind>(value: Operand<Kind>): ExpressionNode =>
  typeof value === 'number' ? { op: 'constant', value } : value.node

const binary =
  (op: ArithmeticOperator | Comparison, flag: boolean) =>
  <Kind extends FoldedKind>(left: Expression<Kind>, right: Operand<NoInfer<Kind>>): Expression<Kind> => ({
    on: left.on,
    node: { op, left: left.node, right: operand(right) },
    flag,
  })

export const field = <Kind extends FoldedKind>(on: Kind, name: NumericField<Kind>): Expression<Kind> => ({
  on,
  node: { op: 'field', field: name },
  flag: false,
})

export const add = binary('add', false)
export const subtract = binary('subtract', false)
export const divide = binary('divide', false)
/** The smaller of the two. */
export const atMost = binary('at-most', false)
export const greater = binary('greater', true)
export const atLeast = binary('at-least', true)
export const equal = binary('equal', true)

export const when = <Kind extends FoldedKind>(flag: Expression<Kind>, value: Expression<NoInfer<Kind>>): Expression<Kind> => ({
  on: value.on,
  node: { op: 'when', flag: flag.node, value: value.node },
  flag: value.flag,
})

export const previous = <Kind extends FoldedKind>(of: Expression<Kind>): Expression<Kind> => ({
  on: of.on,
  node: { op: 'previous', of: of.node },
  flag: of.flag,
})

export const sumSincePrevious = <Kind extends FoldedKind, Other extends FoldedKind>(
  on: Kind,
  of: Other,
  name: NumericField<Other>,
): Expression<Kind> => ({ on, node: { op: 'sum-since-previous', on: of, field: name }, flag: false })

export const named = <Kind extends FoldedKind>(
  name: string,
  unit: string,
  phrase: string,
  expression: Expression<Kind>,
): NamedExpression<Kind> => ({ ...expression, name, unit, phrase })

/** Every (kind, field) an expression reads. */
export const fieldsOf = (on: FoldedKind, node: ExpressionNode): { readonly kind: FoldedKind; readonly field: string }[] => {
  switch (node.op) {
    case 'field':
      return [{ kind: on, field: node.field }]
    case 'constant':
      return []
    case 'when':
      return [...fieldsOf(on, node.flag), ...fieldsOf(on, node.value)]
    case 'previous':
      return fieldsOf(on, node.of)
    case 'sum-since-previous':
      return [{ kind: node.on, field: node.field }]
    default:
      return [...fieldsOf(on, node.left), ...fieldsOf(on, node.right)]
  }
}
