/** Rows of formats whose values have types of their own: JSON and Parquet. */
import { CellFault, type ColumnRule, numberOf, type RecordFault, type Row, shownCell } from '../row.ts'

/** A value as a CSV file would have it; undefined for what no cell can hold. */
const textOf = (value: unknown): string | null | undefined => {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return Number.isNaN(value) ? null : String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      return value instanceof Date ? (Number.isNaN(value.getTime()) ? null : value.toISOString()) : undefined
  }
}

export class ObjectRow implements Row {
  rules: readonly ColumnRule[] = []
  /** Value of each column. */
  cells: readonly unknown[] = []
  line = 0
  number = 0
  fault: RecordFault | null = null

  text(column: number): string | null {
    const text = textOf(this.cells[column])
    const rule = this.rules[column]!
    if (text === undefined)
      throw new CellFault(rule.name, 'a nested value', 'a single value', `name a value inside it with a dot, as in \`${rule.name}.part\``)
    return text === null || text === '' || rule.missing.has(text) ? null : text
  }

  value(column: number): number {
    const cell = this.cells[column]
    const rule = this.rules[column]!
    if (typeof cell === 'number') return rule.missingNumbers.includes(cell) ? Number.NaN : cell
    if (typeof cell === 'boolean' || cell instanceof Date)
      throw new CellFault(rule.name, shownCell(String(cell), rule), 'a number', 'read it as a text, with a code list or date()')
    const text = this.text(column)
    return text === null ? Number.NaN : numberOf(text, rule)
  }
}
