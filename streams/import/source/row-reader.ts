/** A user's file as rows, whatever its format. */
import type { ColumnRule, Row } from '../row.ts'

/** Where a reader stands, between two rows; reading goes on from there. */
export interface ReaderPosition {
  /** Bytes of the (uncompressed) file, or rows of a Parquet file, that were read. */
  readonly offset: number
  /** Line of the next row, from 1. */
  readonly line: number
  /** Rows given so far. */
  readonly rows: number
}

export interface RowReader {
  readonly columns: readonly string[]
  /** Says how cells are to be read; before the first row. One rule a column. */
  rules(rules: readonly ColumnRule[]): void
  /** Columns whose cells will be asked for; others need not be decoded. */
  only(columns: ReadonlySet<number>): void
  /** The next row, or undefined until {@link load} brought more. The row is overwritten by the next call. */
  next(): Row | undefined
  /** Brings more rows; false at the end of the file. */
  load(): Promise<boolean>
  position(): ReaderPosition
  /** Share of the file read so far, in [0, 1]. */
  progress(): number
  close(): Promise<void>
}

export const START: ReaderPosition = { offset: 0, line: 1, rows: 0 }
