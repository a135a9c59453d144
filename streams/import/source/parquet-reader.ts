/** Parquet files as rows, one run of rows in memory at a time. */
import { statSync } from 'node:fs'
import { type AsyncBuffer, asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { ImportFault } from '../import-fault.ts'
import type { ColumnRule, Row } from '../row.ts'
import { ObjectRow } from './object-row.ts'
import { type ReaderPosition, type RowReader, START } from './row-reader.ts'

/** Rows decoded at a time: bounds memory where row groups are large. */
const ROWS_AT_ONCE = 32_768

type Metadata = Awaited<ReturnType<typeof parquetMetadataAsync>>

class ParquetReader implements RowReader {
  readonly columns: readonly string[]
  readonly #file: AsyncBuffer
  readonly #metadata: Metadata
  readonly #total: number
  readonly #row = new ObjectRow()
  #wanted: readonly string[]
  #buffer: readonly Readonly<Record<string, unknown>>[] = []
  #next = 0
  /** Rows decoded, from the beginning of the file. */
  #decoded: number

  constructor(columns: readonly string[], file: AsyncBuffer, metadata: Metadata, rows: number) {
    this.columns = columns
    this.#file = file
    this.#metadata = metadata
    this.#total = Number(metadata.num_rows)
    this.#wanted = columns
    this.#decoded = rows
  }

  rules(rules: readonly ColumnRule[]): void {
    this.#row.rules = rules
  }

  only(columns: ReadonlySet<number>): void {
    // A row without any column would vanish from the reading.
    const wanted = this.columns.filter((_, index) => columns.has(index))
    this.#wanted = wanted.length > 0 ? wanted : this.columns.slice(0, 1)
  }

  next(): Row | undefined {
    const value = this.#buffer[this.#next]
    if (value === undefined) return undefined
    this.#next++
    const row = this.#row
    row.number = row.line = this.#decoded - this.#buffer.length + this.#next
    row.cells = this.columns.map((name) => value[name])
    return row
  }

  async load(): Promise<boolean> {
    if (this.#decoded >= this.#total) return false
    const rowStart = this.#decoded
    const rowEnd = Math.min(this.#total, rowStart + ROWS_AT_ONCE)
    this.#buffer = await parquetReadObjects({
      file: this.#file,
      metadata: this.#metadata,
      columns: [...this.#wanted],
      rowStart,
      rowEnd,
      compressors,
    })
    this.#next = 0
    this.#decoded = rowEnd
    return true
  }

  position(): ReaderPosition {
    const rows = this.#decoded - this.#buffer.length + this.#next
    return { offset: rows, line: rows + 1, rows }
  }

  progress(): number {
    return this.#total === 0 ? 1 : this.position().rows / this.#total
  }

  async close(): Promise<void> {
    this.#buffer = []
  }
}

/** Opens a Parquet file (any codec of the format). Reading goes on at `from`. */
export const openParquet = async (path: string, from: ReaderPosition = START): Promise<RowReader> => {
  try {
    statSync(path)
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
    return new ParquetReader(columns, file, metadata, from.rows)
  } catch (cause) {
    throw new ImportFault(
      'file-unsuitable',
      `${path} is no Parquet file that can be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
}
