/**
 * Per-event values: numbers computed from one event, its predecessor of the same kind, and what happened between the two. Expressions are
 * data, not functions, so that they can be hashed, compiled to column passes and, elsewhere, written as SQL.
 *
 * Missing values: an operand that is missing (NaN) makes the result missing, comparisons included; so does division by zero.
 * Flags are 1 (true), 0 (false) or missing.
 */
import { DefinitionError } from './definition-error.ts'
import type { FoldedKind, NumericField, TextField, TextValue } from './kinds.ts'
import { textField, textFieldNames } from './kinds.ts'

export type ArithmeticOperator = 'add' | 'subtract' | 'multiply' | 'divide' | 'at-most'
export type Comparison = 'greater' | 'at-least' | 'equal'

export type ExpressionNode =
  | { readonly op: 'field'; readonly field: string }
  | { readonly op: 'constant'; readonly value: number }
  /** Whether a field of texts holds `text`; missing where the event states none. */
  | { readonly op: 'is'; readonly field: string; readonly text: string }
  /** A number that stands for the field's text: equal where the texts are (`state/text-code.ts`). */
  | { readonly op: 'code'; readonly field: string }
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

/** Whether a field of texts holds `text`: one of its choices where the schema lists them. */
export const is = <Kind extends FoldedKind, Field extends TextField<Kind>>(
  on: Kind,
  name: Field,
  text: TextValue<Kind, Field> & string,
): Expression<Kind> => {
  const facts = textField(on, name)
  if (facts === undefined)
    throw new DefinitionError(`${on}.${name}`, `${on} has no text field "${name}"`, `use one of ${textFieldNames(on).join(', ')}`)
  if (facts.choices?.includes(text) === false)
    throw new DefinitionError(`${on}.${name}`, `is never "${text}"`, `use one of ${facts.choices.join(', ')}`)
  return { on, node: { op: 'is', field: name, text }, flag: true }
}

/** Whether both hold; missing where either is. */
export const both = <Kind extends FoldedKind>(left: Expression<Kind>, right: Expression<NoInfer<Kind>>): Expression<Kind> => ({
  on: left.on,
  node: { op: 'multiply', left: left.node, right: right.node },
  flag: left.flag && right.flag,
})

/** Whether a flag does not hold. */
export const not = <Kind extends FoldedKind>(flag: Expression<Kind>): Expression<Kind> => ({
  on: flag.on,
  node: { op: 'equal', left: flag.node, right: { op: 'constant', value: 0 } },
  flag: true,
})

export const add = binary('add', false)
export const subtract = binary('subtract', false)
export const multiply = binary('multiply', false)
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

/** Whether the value of one event depends on others: its predecessor, or what happened since. */
export const looksBack = (node: ExpressionNode): boolean => {
  switch (node.op) {
    case 'field':
    case 'is':
    case 'code':
    case 'constant':
      return false
    case 'previous':
    case 'sum-since-previous':
      return true
    case 'when':
      return looksBack(node.flag) || looksBack(node.value)
    default:
      return looksBack(node.left) || looksBack(node.right)
  }
}

export interface FieldRead {
  readonly kind: FoldedKind
  readonly field: string
  readonly reads: 'number' | 'text'
}

/** Every (kind, field) an expression reads. */
export const fieldsOf = (on: FoldedKind, node: ExpressionNode): readonly FieldRead[] => {
  switch (node.op) {
    case 'field':
      return [{ kind: on, field: node.field, reads: 'number' }]
    case 'is':
    case 'code':
      return [{ kind: on, field: node.field, reads: 'text' }]
    case 'constant':
      return []
    case 'when':
      return [...fieldsOf(on, node.flag), ...fieldsOf(on, node.value)]
    case 'previous':
      return fieldsOf(on, node.of)
    case 'sum-since-previous':
      return [{ kind: node.on, field: node.field, reads: 'number' }]
    default:
      return [...fieldsOf(on, node.left), ...fieldsOf(on, node.right)]
  }
}
