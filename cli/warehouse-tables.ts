/** The warehouse's tables as its process sees them, wherever they live. */
import type { RowWriter, SqlConnection } from '#streams/clickhouse/ports.ts'

export interface Tables {
  readonly database: string
  readonly cluster: string | null
  writer(): { readonly connection: SqlConnection; readonly inserter: RowWriter }
  close(): Promise<void>
}

/** Rows per table: those found at start and those inserted since. */
export const rowsIn = async (of: Tables): Promise<ReadonlyMap<string, number>> => {
  const tables = ['events', 'decisions', 'outcomes', 'dead_letters'].map(
    (table) => `SELECT '${table}' AS name, count() AS rows FROM ${of.database}.${table}`,
  )
  const found = await of.writer().connection.rows<{ name: string; rows: number }>(tables.join(' UNION ALL '))
  return new Map(found.map(({ name, rows }) => [name, rows]))
}
