/** What the rows of one table are like: exact counts and moments, and a sample for everything else. */
import { CellFault, type Row } from '../row.ts'
import { RowSample } from './row-sample.ts'

/** Different values counted exactly up to here. */
const DISTINCT_MAX = 1_000

export type ColumnType = 'number' | 'text' | 'category' | 'empty'

export interface ColumnProfile {
  readonly name: string
  readonly type: ColumnType
  readonly missing: number
  /** Cells that could not be read in the declared encoding. */
  readonly unreadable: number
  /** Different values; null where there are more than a thousand. */
  readonly distinct: number | null
  /** Of the cells that are numbers, of all rows; null where there is none. */
  readonly numbers: {
    readonly count: number
    readonly minimum: number
    readonly maximum: number
    readonly mean: number
    readonly deviation: number
  } | null
  /** Sampled values, null = missing, in the order of the table's sampled rows. */
  readonly texts: readonly (string | null)[]
  /** The same as numbers; NaN = missing or no number. */
  readonly values: Float64Array
}

export interface TableProfile {
  readonly table: string
  readonly files: readonly string[]
  readonly rows: number
  readonly broken: number
  readonly columns: readonly ColumnProfile[]
}

class ColumnCounts {
  readonly name: string
  missing = 0
  unreadable = 0
  others = 0
  count = 0
  minimum = Infinity
  maximum = -Infinity
  mean = 0
  /** Sum of squared deviations (Welford, 1962). */
  squares = 0
  #distinct: Set<string> | null = new Set()

  constructor(name: string) {
    this.name = name
  }

  get distinct(): number | null {
    return this.#distinct?.size ?? null
  }

  add(text: string | null): void {
    if (text === null) {
      this.missing++
      return
    }
    if (this.#distinct !== null && this.#distinct.add(text).size > DISTINCT_MAX) this.#distinct = null
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value)) {
      this.others++
      return
    }
    this.count++
    if (value < this.minimum) this.minimum = value
    if (value > this.maximum) this.maximum = value
    const delta = value - this.mean
    this.mean += delta / this.count
    this.squares += delta * (value - this.mean)
  }

  get type(): ColumnType {
    if (this.count + this.others === 0) return 'empty'
    if (this.others === 0) return 'number'
    return this.distinct !== null && this.distinct <= 100 ? 'category' : 'text'
  }
}

/** Collects one table's rows, of any number of files with the same columns. */
export class TableProfiler {
  readonly #table: string
  readonly #columns: readonly ColumnCounts[]
  readonly #sample = new RowSample<(string | null)[]>()
  readonly #files: string[] = []
  #rows = 0
  #broken = 0

  constructor(table: string, columns: readonly string[]) {
    this.#table = table
    this.#columns = columns.map((name) => new ColumnCounts(name))
  }

  /** The next rows are of this file. */
  file(path: string): void {
    this.#files.push(path)
  }

  /** `order[i]` is the file's column of our i-th, −1 where it has none. */
  add(row: Row, order: readonly number[]): void {
    this.#rows++
    if (row.fault !== null) {
      this.#broken++
      return
    }
    const place = this.#sample.place()
    const kept: (string | null)[] | undefined = place < 0 ? undefined : []
    this.#columns.forEach((column, at) => {
      const text = this.#text(column, row, order[at]!)
      column.add(text)
      kept?.push(text)
    })
    if (kept !== undefined) this.#sample.rows[place] = kept
  }

  #text(column: ColumnCounts, row: Row, at: number): string | null {
    try {
      return at < 0 ? null : row.text(at)
    } catch (error) {
      if (!(error instanceof CellFault)) throw error
      column.unreadable++
      return null
    }
  }

  finish(): TableProfile {
    return {
      table: this.#table,
      files: this.#files,
      rows: this.#rows,
      broken: this.#broken,
      columns: this.#columns.map((column, at) => this.#finished(column, at)),
    }
  }

  #finished(column: ColumnCounts, at: number): ColumnProfile {
    const { name, type, missing, unreadable, distinct, count, minimum, maximum, mean, squares } = column
    const texts = this.#sample.rows.map((row) => row[at] ?? null)
    const values = Float64Array.from(texts, (text) => (text === null || text.trim() === '' ? Number.NaN : Number(text)))
    const numbers = count === 0 ? null : { count, minimum, maximum, mean, deviation: count < 2 ? 0 : Math.sqrt(squares / (count - 1)) }
    return { name, type, missing, unreadable, distinct, numbers, texts, values }
  }
}
