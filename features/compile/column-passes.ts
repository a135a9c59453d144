/**
 * Expressions become column passes: one loop per distinct sub-expression over all events of a kind, shared by every feature that uses it.
 * A pass reads and writes arrays made here once, and each branch stores for itself (see `aggregate.ts`), so that running it allocates
 * nothing. Every comparison with a missing operand is false, which leaves the last branch.
 */
import type { ArithmeticOperator, Comparison, ExpressionNode } from '../language/expression.ts'
import type { FoldedKind } from '../language/kinds.ts'
import { numericField, textField } from '../language/kinds.ts'
import { MISSING_NUMBER, type NumberArray } from '../state/number-array.ts'
import { MISSING_CHOICE, MISSING_HASH, textCode } from '../state/text-code.ts'

/** Events of one kind in columns, ascending by time: a ring, or a single event on its way into partial results. */
export interface EventColumns {
  readonly capacity: number
  /** Events there are now. */
  readonly held: number
  readonly times: Float64Array
  /** What is stored of a field. */
  stored(field: string): NumberArray
}

/** Computes its column for the oldest `rows` events of its kind. */
export type Pass = (rows: number) => void
type Column = Float64Array

const copy =
  (from: NumberArray, out: Column): Pass =>
  (rows) => {
    for (let i = 0; i < rows; i++) out[i] = from[i]!
  }

const present =
  (from: NumberArray, out: Column): Pass =>
  (rows) => {
    for (let i = 0; i < rows; i++)
      if (from[i] === MISSING_NUMBER) out[i] = NaN
      else out[i] = from[i]!
  }

const missingCode = (kind: FoldedKind, field: string): number => (textField(kind, field)!.choices === null ? MISSING_HASH : MISSING_CHOICE)

const codes =
  (from: NumberArray, missing: number, out: Column): Pass =>
  (rows) => {
    for (let i = 0; i < rows; i++)
      if (from[i] === missing) out[i] = NaN
      else out[i] = from[i]!
  }

const compareCode =
  (from: NumberArray, missing: number, code: number, out: Column): Pass =>
  (rows) => {
    for (let i = 0; i < rows; i++)
      if (from[i] === missing) out[i] = NaN
      else if (from[i] === code) out[i] = 1
      else out[i] = 0
  }

const BINARY: Readonly<Record<ArithmeticOperator | Comparison, (left: Column, right: Column, out: Column) => Pass>> = {
  add: (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++) out[i] = left[i]! + right[i]!
  },
  subtract: (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++) out[i] = left[i]! - right[i]!
  },
  multiply: (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++) out[i] = left[i]! * right[i]!
  },
  divide: (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++)
      if (right[i] === 0) out[i] = NaN
      else out[i] = left[i]! / right[i]!
  },
  'at-most': (left, right, out) => (rows) => {
    // Math.min is NaN where either operand is.
    for (let i = 0; i < rows; i++) out[i] = Math.min(left[i]!, right[i]!)
  },
  greater: (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++)
      if (left[i]! > right[i]!) out[i] = 1
      else if (left[i]! <= right[i]!) out[i] = 0
      else out[i] = NaN
  },
  'at-least': (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++)
      if (left[i]! >= right[i]!) out[i] = 1
      else if (left[i]! < right[i]!) out[i] = 0
      else out[i] = NaN
  },
  equal: (left, right, out) => (rows) => {
    for (let i = 0; i < rows; i++)
      if (left[i] === right[i]) out[i] = 1
      else if (left[i]! < right[i]! || left[i]! > right[i]!) out[i] = 0
      else out[i] = NaN
  },
}

const choose =
  (flag: Column, value: Column, out: Column): Pass =>
  (rows) => {
    for (let i = 0; i < rows; i++)
      if (flag[i] === 1) out[i] = value[i]!
      else out[i] = NaN
  }

const shift =
  (of: Column, out: Column): Pass =>
  (rows) => {
    if (rows > 0) out[0] = NaN
    for (let i = 1; i < rows; i++) out[i] = of[i - 1]!
  }

/** Two pointers: both kinds ascend in time. */
const sumBetween =
  (times: Column, other: EventColumns, amounts: NumberArray, out: Column): Pass =>
  (rows) => {
    const otherTimes = other.times
    const otherRows = other.held
    if (rows > 0) out[0] = NaN
    let next = 0
    while (next < otherRows && otherTimes[next]! <= times[0]!) next++
    for (let i = 1; i < rows; i++) {
      let sum = 0
      for (; next < otherRows && otherTimes[next]! <= times[i]!; next++) if (amounts[next] !== MISSING_NUMBER) sum += amounts[next]!
      out[i] = sum
    }
  }

/** Collects the passes that a set of features needs, each distinct sub-expression once. */
export class ColumnPasses {
  /** In an order in which operands come before what uses them. */
  readonly passes = new Map<FoldedKind, Pass[]>()
  readonly #events: ReadonlyMap<FoldedKind, EventColumns>
  readonly #columns = new Map<string, Column>()

  constructor(events: ReadonlyMap<FoldedKind, EventColumns>) {
    this.#events = events
    for (const kind of events.keys()) this.passes.set(kind, [])
  }

  /** The column that will hold `node` for the events of `kind`. */
  column(kind: FoldedKind, node: ExpressionNode): Column {
    const key = `${kind} ${JSON.stringify(node)}`
    const known = this.#columns.get(key)
    if (known !== undefined) return known
    const column = this.#compile(kind, node)
    this.#columns.set(key, column)
    return column
  }

  #compile(kind: FoldedKind, node: ExpressionNode): Column {
    if (node.op === 'field') {
      const stored = this.#stored(kind, node.field)
      if (numericField(kind, node.field)!.optional) return this.#add(kind, (out) => present(stored, out))
      if (stored instanceof Float64Array) return stored
      return this.#add(kind, (out) => copy(stored, out))
    }
    if (node.op === 'code') {
      const stored = this.#stored(kind, node.field)
      return this.#add(kind, (out) => codes(stored, missingCode(kind, node.field), out))
    }
    if (node.op === 'is') {
      const stored = this.#stored(kind, node.field)
      const code = new Float64Array(1)
      textCode(kind, node.field)(node.text, code, 0)
      return this.#add(kind, (out) => compareCode(stored, missingCode(kind, node.field), code[0]!, out))
    }
    if (node.op === 'constant') return this.#empty(kind).fill(node.value)
    if (node.op === 'when') {
      const flag = this.column(kind, node.flag)
      const value = this.column(kind, node.value)
      return this.#add(kind, (out) => choose(flag, value, out))
    }
    if (node.op === 'previous') {
      const of = this.column(kind, node.of)
      return this.#add(kind, (out) => shift(of, out))
    }
    if (node.op === 'sum-since-previous') {
      const amounts = this.#stored(node.on, node.field)
      return this.#add(kind, (out) => sumBetween(this.#of(kind).times, this.#of(node.on), amounts, out))
    }
    const left = this.column(kind, node.left)
    const right = this.column(kind, node.right)
    return this.#add(kind, (out) => BINARY[node.op](left, right, out))
  }

  #add(kind: FoldedKind, pass: (out: Column) => Pass): Column {
    const out = this.#empty(kind)
    this.passes.get(kind)!.push(pass(out))
    return out
  }

  #empty(kind: FoldedKind): Column {
    return new Float64Array(this.#of(kind).capacity)
  }

  #of(kind: FoldedKind): EventColumns {
    return this.#events.get(kind)!
  }

  #stored(kind: FoldedKind, field: string): NumberArray {
    return this.#of(kind).stored(field)
  }
}
