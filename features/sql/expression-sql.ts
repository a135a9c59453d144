/**
 * Per-event expressions as columns of nested SELECTs. A level may use the columns of those below it; each `previous` needs one of its own,
 * because a window function cannot contain another. Missing numbers are nan, missing texts ''.
 */
import type { ExpressionNode } from '../language/expression.ts'
import type { FoldedKind } from '../language/kinds.ts'
import { literal, numeral } from './sql-text.ts'

interface Column {
  readonly name: string
  readonly sql: string
}

interface Placed {
  readonly sql: string
  /** First level whose SELECT may contain it. */
  readonly level: number
  readonly isText: boolean
}

/** A numeric field of the other kind whose held events the sum since the previous event runs over. */
export interface OtherField {
  readonly kind: FoldedKind
  readonly field: string
}

export const numberColumn = (field: string): string => `n_${field}`
export const textColumn = (field: string): string => `s_${field}`
/** Arrays of the other kind's held times and amounts. */
export const otherTimes = ({ kind, field }: OtherField): string => `times_${kind}_${field}`
export const otherAmounts = ({ kind, field }: OtherField): string => `amounts_${kind}_${field}`

const COMPARISONS = { greater: '>', 'at-least': '>=', equal: '=' } as const
const OPERATORS = { add: '+', subtract: '-', multiply: '*' } as const

export class ExpressionSql {
  /** By level: columns its SELECT adds. */
  readonly levels: Column[][] = []
  readonly others = new Map<string, OtherField>()
  readonly #known = new Map<string, Placed>()
  #columns = 0

  /** The name of a column that holds the node, and whether it holds texts. */
  column(node: ExpressionNode): { readonly name: string; readonly isText: boolean } {
    const placed = this.#place(node)
    return { name: this.#columnOf(placed), isText: placed.isText }
  }

  #columnOf({ sql, level }: Placed): string {
    const name = `x${this.#columns++}`
    while (this.levels.length <= level) this.levels.push([])
    this.levels[level]!.push({ name, sql })
    return name
  }

  #place(node: ExpressionNode): Placed {
    const key = JSON.stringify(node)
    const known = this.#known.get(key) ?? this.#build(node)
    this.#known.set(key, known)
    return known
  }

  #build(node: ExpressionNode): Placed {
    switch (node.op) {
      case 'field':
        return { sql: numberColumn(node.field), level: 0, isText: false }
      case 'code':
        return { sql: textColumn(node.field), level: 0, isText: true }
      case 'is': {
        const text = textColumn(node.field)
        return { sql: `if(${text} = '', nan, toFloat64(${text} = ${literal(node.text)}))`, level: 0, isText: false }
      }
      case 'constant':
        return { sql: numeral(node.value), level: 0, isText: false }
      case 'when': {
        const [flag, value] = [this.#place(node.flag), this.#place(node.value)]
        const missing = value.isText ? "''" : 'nan'
        return { sql: `if(${flag.sql} = 1, ${value.sql}, ${missing})`, level: Math.max(flag.level, value.level), isText: value.isText }
      }
      case 'previous': {
        const of = this.#place(node.of)
        const inner = this.#columnOf(of)
        const sql = `lagInFrame(${inner}, 1, ${of.isText ? "''" : 'nan'}) OVER in_order`
        return { sql: this.#columnOf({ ...of, sql, level: of.level + 1 }), level: of.level + 2, isText: of.isText }
      }
      case 'sum-since-previous':
        return this.#sumSince({ kind: node.on, field: node.field })
      default:
        return this.#binary(node.op, this.#place(node.left), this.#place(node.right))
    }
  }

  #sumSince(other: OtherField): Placed {
    this.others.set(`${other.kind} ${other.field}`, other)
    const since = this.#columnOf({ sql: 'lagInFrame(time, 1, -1) OVER in_order', level: 0, isText: false })
    const sum = `arraySum((other, amount) -> if(other > ${since} AND other <= time, amount, 0), ${otherTimes(other)}, ${otherAmounts(other)})`
    return { sql: `if(${since} < 0, nan, toFloat64(${sum}))`, level: 1, isText: false }
  }

  #binary(op: Extract<ExpressionNode, { left: unknown }>['op'], left: Placed, right: Placed): Placed {
    const [a, b] = [left.sql, right.sql]
    const level = Math.max(left.level, right.level)
    const missing = `isNaN(${a}) OR isNaN(${b})`
    switch (op) {
      case 'divide':
        return { sql: `if(${missing} OR ${b} = 0, nan, ${a} / ${b})`, level, isText: false }
      case 'at-most':
        return { sql: `if(${missing}, nan, least(${a}, ${b}))`, level, isText: false }
      case 'add':
      case 'subtract':
      case 'multiply':
        return { sql: `(${a} ${OPERATORS[op]} ${b})`, level, isText: false }
      case 'greater':
      case 'at-least':
      case 'equal':
        return { sql: `if(${missing}, nan, toFloat64(${a} ${COMPARISONS[op]} ${b}))`, level, isText: false }
    }
  }
}
