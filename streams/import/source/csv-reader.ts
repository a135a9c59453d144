/** CSV files as rows. */
import { ImportFault } from '../import-fault.ts'
import type { FormatMapping } from '../mapping/mapping-schema.ts'
import { CellFault, type ColumnRule, numberOf, type RecordFault, type Row, shownCell } from '../row.ts'
import { type ByteSource, openBytes } from './byte-source.ts'
import { CellTexts } from './cell-texts.ts'
import { CsvScanner, type Scanned } from './csv-scanner.ts'
import { decimalAt } from './decimal.ts'
import { type ReaderPosition, type RowReader, START } from './row-reader.ts'

const BOM = Buffer.from([0xef, 0xbb, 0xbf])
/** Lines looked at for the one that has `headerHas`. */
const PREAMBLE_LINES_MAX = 50

/** The scanner's last record as a row: a view, overwritten by the next. */
class CsvRow implements Row {
  readonly #scanner: CsvScanner
  readonly #latin1: boolean
  readonly #texts = new CellTexts()
  rules: readonly ColumnRule[] = []
  number = 0
  fault: RecordFault | null = null

  constructor(scanner: CsvScanner, latin1: boolean) {
    this.#scanner = scanner
    this.#latin1 = latin1
  }

  get line(): number {
    return this.#scanner.line
  }

  /** The cell as it stands in the file, unquoted. */
  raw(column: number): string {
    const { bytes, cells } = this.#scanner
    const from = cells[2 * column]!
    const end = cells[2 * column + 1]!
    const to = end < 0 ? ~end : end
    const text = bytes.toString(this.#latin1 ? 'latin1' : 'utf8', from, to)
    return end < 0 ? text.replaceAll('""', '"') : text
  }

  text(column: number): string | null {
    const { bytes, cells } = this.#scanner
    const rule = this.rules[column]!
    const end = cells[2 * column + 1]!
    const seen = end < 0 ? undefined : this.#texts.of(bytes, cells[2 * column]!, end)
    if (seen !== undefined) return seen === '' || rule.missing.has(seen) ? null : seen
    const text = this.raw(column)
    if (text === '' || rule.missing.has(text)) return null
    if (text.includes('\uFFFD'))
      throw new CellFault(
        rule.name,
        shownCell(text, rule),
        'UTF-8',
        'save the file as UTF-8, or say format.encoding: latin1 in the mapping',
      )
    return text
  }

  value(column: number): number {
    const { bytes, cells } = this.#scanner
    const from = cells[2 * column]!
    const to = cells[2 * column + 1]!
    if (from === to) return Number.NaN
    const rule = this.rules[column]!
    const value = to < 0 ? Number.NaN : decimalAt(bytes, from, to)
    if (Number.isNaN(value)) return numberOf(this.raw(column), rule)
    return rule.missingNumbers.length > 0 && rule.missingNumbers.includes(value) ? Number.NaN : value
  }
}

const FAULTS: Readonly<Partial<Record<Scanned, RecordFault>>> = {
  'unclosed-quote': {
    detail: 'a quote opens on this line and is not closed within a mebibyte',
    remedy: 'close the quote, or double it where it is meant literally',
  },
  'too-many-cells': { detail: 'the line has more than 16,384 cells', remedy: 'look whether format.delimiter is right' },
}

class CsvReader implements RowReader {
  readonly columns: readonly string[]
  readonly #scanner: CsvScanner
  readonly #bytes: ByteSource
  readonly #row: CsvRow
  readonly #footer: string | undefined
  #rows: number

  constructor(opened: Opened, row: CsvRow, rows: number, footer: string | undefined) {
    this.#footer = footer
    this.columns = opened.columns
    this.#scanner = opened.scanner
    this.#bytes = opened.bytes
    this.#row = row
    this.#rows = rows
  }

  rules(rules: readonly ColumnRule[]): void {
    this.#row.rules = rules
  }

  only(): void {
    // Cells are decoded when asked for, so there is nothing to leave out.
  }

  next(): Row | undefined {
    for (;;) {
      const scanned = this.#scanner.next()
      if (scanned === 'more') return undefined
      if (scanned === 'blank' || (scanned === 'record' && this.#isFooter())) continue
      this.#row.number = ++this.#rows
      this.#row.fault = FAULTS[scanned] ?? this.#ragged()
      return this.#row
    }
  }

  #isFooter(): boolean {
    return this.#footer !== undefined && this.#scanner.count !== this.columns.length && this.#row.raw(0).startsWith(this.#footer)
  }

  #ragged(): RecordFault | null {
    const { count } = this.#scanner
    if (count === this.columns.length) return null
    return {
      detail: `the line has ${count} cell${count === 1 ? '' : 's'} where the header has ${this.columns.length}`,
      remedy: 'quote cells that hold the delimiter, and look whether format.delimiter is right',
    }
  }

  async load(): Promise<boolean> {
    const chunk = await this.#bytes.read()
    if (chunk === undefined) return endOnce(this.#scanner)
    this.#scanner.push(chunk)
    return true
  }

  position(): ReaderPosition {
    return { offset: this.#scanner.offset, line: this.#scanner.nextLine, rows: this.#rows }
  }

  progress(): number {
    return this.#bytes.progress()
  }

  close(): Promise<void> {
    return this.#bytes.close()
  }
}

const ENDED = new WeakSet<CsvScanner>()

/** The last line may lack its line feed: it is found once the scanner knows that nothing follows. */
const endOnce = (scanner: CsvScanner): boolean => {
  if (ENDED.has(scanner)) return false
  ENDED.add(scanner)
  scanner.end()
  return true
}

interface Opened {
  readonly columns: readonly string[]
  readonly scanner: CsvScanner
  readonly bytes: ByteSource
}

const namesIn = (row: CsvRow, count: number): string[] => Array.from({ length: count }, (_, column) => row.raw(column).trim())

const checkHeader = (path: string, columns: readonly string[]): void => {
  const twice = columns.find((name, index) => name !== '' && columns.indexOf(name) !== index)
  if (twice !== undefined)
    throw new ImportFault('file-unsuitable', `${path}: two columns are called ${JSON.stringify(twice)}; rename one in the file`)
}

/** Reads to the end of the header. */
const openHeader = async (path: string, format: FormatMapping): Promise<Opened> => {
  const bytes = openBytes(path, 0)
  const scanner = new CsvScanner(format.delimiter ?? ',')
  const row = new CsvRow(scanner, format.encoding === 'latin1')
  const first = await bytes.read()
  const marked = first?.subarray(0, 3).equals(BOM) === true
  const begun = marked ? new CsvScanner(format.delimiter ?? ',', 3) : scanner
  const from = marked ? new CsvRow(begun, format.encoding === 'latin1') : row
  if (first !== undefined) begun.push(marked ? first.subarray(3) : first)
  if (format.header !== undefined) return { columns: format.header, scanner: begun, bytes }
  for (let lines = 0; lines <= PREAMBLE_LINES_MAX;) {
    const scanned = begun.next()
    if (scanned === 'more') {
      const chunk = await bytes.read()
      if (chunk !== undefined) begun.push(chunk)
      else if (!endOnce(begun)) break
      continue
    }
    lines++
    if (scanned !== 'record') continue
    const columns = namesIn(from, begun.count)
    if (format.headerHas !== undefined && !columns.includes(format.headerHas)) continue
    checkHeader(path, columns)
    return { columns, scanner: begun, bytes }
  }
  await bytes.close()
  const wanted = format.headerHas === undefined ? 'a header line' : `a header line with the column ${JSON.stringify(format.headerHas)}`
  throw new ImportFault(
    'file-unsuitable',
    `${path} has no ${wanted} among its first ${PREAMBLE_LINES_MAX} lines; look whether it is the right file`,
  )
}

/** Opens a CSV file. Reading goes on at `from`, a position that an earlier reader of the same file gave. */
export const openCsv = async (path: string, format: FormatMapping, from: ReaderPosition = START): Promise<RowReader> => {
  const opened = await openHeader(path, format)
  const latin1 = format.encoding === 'latin1'
  if (from.offset === 0) return new CsvReader(opened, new CsvRow(opened.scanner, latin1), 0, format.footer)
  await opened.bytes.close()
  const scanner = new CsvScanner(format.delimiter ?? ',', from.offset, from.line)
  return new CsvReader(
    { columns: opened.columns, scanner, bytes: openBytes(path, from.offset) },
    new CsvRow(scanner, latin1),
    from.rows,
    format.footer,
  )
}
