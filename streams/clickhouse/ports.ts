/** What sinks and migrations need of a ClickHouse, wherever it runs: chDB in this process, or a server. */
import type { TableRows } from './table-rows.ts'

export interface SqlConnection {
  /** Runs one statement without a result. Never put foreign row data into `sql`. */
  query(sql: string): Promise<unknown>
  /** Rows of a query as objects. */
  rows<Row>(sql: string): Promise<Row[]>
}

export interface RowWriter {
  /** All rows or none; the same token twice inserts once. All rows must belong to one monthly partition. */
  insert(rows: TableRows, token: string): Promise<void>
  /** A few rows given as objects; names are the table's columns. Instants are written `YYYY-MM-DD hh:mm:ss.sss`, UTC. */
  insertObjects(table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void>
}
