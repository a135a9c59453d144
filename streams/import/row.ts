/** One record of a user's file, whatever the format: cells by column number. */

export interface Row {
  /** Line its record begins on, from 1; for formats without lines the number of the record. */
  readonly line: number
  /** Number of the record in its file, from 1. */
  readonly number: number
  /** Why the record cannot be read at all; null where it can. */
  readonly fault: RecordFault | null
  /** The cell as text, null where it is missing. Throws {@link CellFault} where it is no text of the declared encoding. */
  text(column: number): string | null
  /** The cell as a number, NaN where it is missing. Throws {@link CellFault} where it is none. */
  value(column: number): number
}

export interface RecordFault {
  readonly detail: string
  readonly remedy: string
}

/** What a table's mapping says of one column. */
export interface ColumnRule {
  readonly name: string
  /** Texts that stand for a missing value. */
  readonly missing: ReadonlySet<string>
  /** The same, as far as they are numbers. */
  readonly missingNumbers: readonly number[]
  /** Never repeated in messages. */
  readonly personal: boolean
}

/** A cell that cannot become what a mapping wants of it; the row is rejected. */
export class CellFault extends Error {
  override readonly name = 'CellFault'
  /** Column, or the name of the expression's part, that is to blame. */
  readonly column: string
  readonly value: string
  readonly expected: string
  readonly remedy: string
  constructor(column: string, value: string, expected: string, remedy: string) {
    super(`${column}: ${value} is not ${expected}; ${remedy}`)
    this.column = column
    this.value = value
    this.expected = expected
    this.remedy = remedy
  }
}

const SHOWN_MAX = 64
const MASK = '•••'

/** A cell as a message may show it. */
export const shownCell = (text: string, { personal }: Pick<ColumnRule, 'personal'>): string =>
  personal ? MASK : JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text)

/** A text as a number: plain or scientific notation, white space around it ignored. NaN is missing. */
export const numberOf = (text: string, rule: ColumnRule): number => {
  const trimmed = text.trim()
  if (trimmed === '' || rule.missing.has(trimmed)) return Number.NaN
  const value = Number(trimmed)
  // Number() also reads 0x10 and Infinity, which no file of figures means.
  if (Number.isFinite(value) && !/^[+-]?0[xob]/i.test(trimmed)) return rule.missingNumbers.includes(value) ? Number.NaN : value
  throw new CellFault(
    rule.name,
    shownCell(text, rule),
    'a number',
    `correct the cell, or list it under columns.${rule.name}.missing if it stands for a missing value`,
  )
}
