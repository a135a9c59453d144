/** The clients of the Taiwan data set, column by column. */
import { gunzipSync } from 'node:zlib'

/** Months of history per client, oldest first: April to September 2005. */
export const HISTORY_MONTHS = 6

export interface DemoClients {
  readonly count: number
  /** Credit limit, whole NT$. */
  readonly limit: Float64Array
  /** Client-major, {@link HISTORY_MONTHS} a client, oldest first. Whole NT$. */
  readonly bill: Float64Array
  /** Payment received in the month, settling the bill of the month before. Whole NT$; 0 = none. */
  readonly paid: Float64Array
  /** Repayment status of the month. */
  readonly status: Int8Array
  /** 1 = defaulted in October 2005. */
  readonly label: Uint8Array
  readonly sex: Uint8Array
  readonly education: Uint8Array
  readonly marriage: Uint8Array
  readonly age: Uint8Array
}

/** Newest first, as the file names them. */
const STATUS = ['PAY_0', 'PAY_2', 'PAY_3', 'PAY_4', 'PAY_5', 'PAY_6']
const BILL = [1, 2, 3, 4, 5, 6].map((k) => `BILL_AMT${k}`)
const PAID = [1, 2, 3, 4, 5, 6].map((k) => `PAY_AMT${k}`)

/** Numbers of a CSV without quotes, row-major; the header apart. */
const readNumbers = (text: string): { names: string[]; values: Float64Array; rows: number } => {
  const headEnd = text.indexOf('\n')
  const names = text
    .slice(text.charCodeAt(0) === 0xfeff ? 1 : 0, headEnd)
    .trim()
    .split(',')
  const lines = text
    .slice(headEnd + 1)
    .trimEnd()
    .split('\n')
  const values = new Float64Array(lines.length * names.length)
  lines.forEach((line, row) => {
    const cells = line.split(',')
    if (cells.length !== names.length)
      throw new Error(`demo data: line ${row + 2} has ${cells.length} cells, the header ${names.length}; restore the file from its source`)
    cells.forEach((cell, column) => {
      const value = Number(cell)
      if (cell === '' || Number.isNaN(value))
        throw new Error(`demo data: line ${row + 2}, ${names[column]}: "${cell}" is no number; restore the file from its source`)
      values[row * names.length + column] = value
    })
  })
  return { names, values, rows: lines.length }
}

/** Parses the compressed file that ships in `data/taiwan`. */
export const readDemoClients = (csvGz: Uint8Array): DemoClients => {
  const { names, values, rows } = readNumbers(gunzipSync(csvGz).toString('utf8'))
  const at = (row: number, name: string): number => {
    const column = names.indexOf(name)
    if (column < 0) throw new Error(`demo data: there is no column ${name}`)
    return values[row * names.length + column] ?? Number.NaN
  }
  const columnOf = <Target extends Float64Array | Uint8Array>(target: Target, name: string): Target => {
    for (let row = 0; row < rows; row++) target[row] = at(row, name)
    return target
  }
  const historyOf = <Target extends Float64Array | Int8Array>(target: Target, newestFirst: readonly string[]): Target => {
    newestFirst.forEach((name, back) => {
      for (let row = 0; row < rows; row++) target[row * HISTORY_MONTHS + HISTORY_MONTHS - 1 - back] = at(row, name)
    })
    return target
  }
  return {
    count: rows,
    limit: columnOf(new Float64Array(rows), 'LIMIT_BAL'),
    bill: historyOf(new Float64Array(rows * HISTORY_MONTHS), BILL),
    paid: historyOf(new Float64Array(rows * HISTORY_MONTHS), PAID),
    status: historyOf(new Int8Array(rows * HISTORY_MONTHS), STATUS),
    label: columnOf(new Uint8Array(rows), 'DEFAULT'),
    sex: columnOf(new Uint8Array(rows), 'SEX'),
    education: columnOf(new Uint8Array(rows), 'EDUCATION'),
    marriage: columnOf(new Uint8Array(rows), 'MARRIAGE'),
    age: columnOf(new Uint8Array(rows), 'AGE'),
  }
}
