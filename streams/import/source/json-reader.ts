/** JSON files as rows: one object a line (NDJSON), or one array of objects. Values inside objects are columns named with dots. */
import { ImportFault } from '../import-fault.ts'
import type { ColumnRule, RecordFault, Row } from '../row.ts'
import { type ByteSource, openBytes } from './byte-source.ts'
import { type JsonLayout, JsonValues } from './json-values.ts'
import { ObjectRow } from './object-row.ts'
import { type ReaderPosition, type RowReader, START } from './row-reader.ts'

/** Values whose names are taken for the file's columns: a name that first appears later counts as missing before. */
const SAMPLE_VALUES = 1_000
const DEPTH_MAX = 4

type JsonObject = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Value that a dotted name leads to; a name that holds dots itself comes first. */
const at = (value: JsonObject, name: string): unknown => {
  if (Object.hasOwn(value, name)) return value[name]
  const dot = name.indexOf('.')
  if (dot < 0) return undefined
  const inner = value[name.slice(0, dot)]
  return isObject(inner) ? at(inner, name.slice(dot + 1)) : undefined
}

const addNames = (names: Set<string>, value: JsonObject, prefix: string, depth: number): void => {
  for (const [name, inner] of Object.entries(value))
    if (isObject(inner) && depth < DEPTH_MAX) addNames(names, inner, `${prefix}${name}.`, depth + 1)
    else names.add(`${prefix}${name}`)
}

const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

const NO_OBJECT: RecordFault = {
  detail: 'this is no JSON object',
  remedy: 'write one object a line, or one array of objects; close every quote and bracket',
}
const TOO_LARGE: RecordFault = { detail: 'the value is larger than a mebibyte', remedy: 'close its brackets, or split it' }

class JsonReader implements RowReader {
  readonly columns: readonly string[]
  readonly #values: JsonValues
  readonly #bytes: ByteSource
  readonly #row = new ObjectRow()
  #wanted: ReadonlySet<number> | undefined
  #rows: number
  #ended = false

  constructor(columns: readonly string[], values: JsonValues, bytes: ByteSource, rows: number) {
    this.columns = columns
    this.#values = values
    this.#bytes = bytes
    this.#rows = rows
  }

  rules(rules: readonly ColumnRule[]): void {
    this.#row.rules = rules
  }

  only(columns: ReadonlySet<number>): void {
    this.#wanted = columns
  }

  next(): Row | undefined {
    const scanned = this.#values.next()
    if (scanned === 'more') return undefined
    const row = this.#row
    const { bytes, from, to, line } = this.#values
    row.line = line
    row.number = ++this.#rows
    const value = scanned === 'value' ? parsed(bytes.subarray(from, to)) : undefined
    row.fault = scanned === 'too-large' ? TOO_LARGE : isObject(value) ? null : NO_OBJECT
    if (isObject(value))
      row.cells = this.columns.map((name, column) => (this.#wanted === undefined || this.#wanted.has(column) ? at(value, name) : null))
    return row
  }

  async load(): Promise<boolean> {
    const chunk = await this.#bytes.read()
    if (chunk !== undefined) this.#values.push(chunk)
    else if (this.#ended) return false
    else {
      this.#ended = true
      this.#values.end()
    }
    return true
  }

  position(): ReaderPosition {
    return { offset: this.#values.offset, line: this.#values.nextLine, rows: this.#rows }
  }

  progress(): number {
    return this.#bytes.progress()
  }

  close(): Promise<void> {
    return this.#bytes.close()
  }
}

interface Beginning {
  readonly layout: JsonLayout
  /** Behind the array's bracket, or where the first line begins. */
  readonly offset: number
}

const beginningOf = (first: Buffer): Beginning => {
  let offset = first.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0
  const begin = offset
  while (offset < first.length && [0x20, 0x09, 0x0a, 0x0d].includes(first[offset]!)) offset++
  return first[offset] === 0x5b ? { layout: 'array', offset: offset + 1 } : { layout: 'lines', offset: begin }
}

/** Columns and layout, from the beginning of the file. */
const look = async (path: string): Promise<Beginning & { readonly columns: readonly string[] }> => {
  const bytes = openBytes(path, 0)
  try {
    const first = (await bytes.read()) ?? Buffer.alloc(0)
    const beginning = beginningOf(first)
    const values = new JsonValues(beginning.layout)
    values.push(first.subarray(beginning.offset))
    // What a chunk cannot hold is not needed to know the columns; a short file ends here.
    if (first.length < 65_536) values.end()
    const names = new Set<string>()
    for (let count = 0; count < SAMPLE_VALUES && values.next() === 'value'; count++) {
      const value = parsed(values.bytes.subarray(values.from, values.to))
      if (isObject(value)) addNames(names, value, '', 1)
    }
    if (names.size === 0) throw new ImportFault('file-unsuitable', `${path} does not begin with a JSON object, or an array of objects`)
    return { ...beginning, columns: [...names] }
  } finally {
    await bytes.close()
  }
}

/** Opens a JSON file. Reading goes on at `from`, a position that an earlier reader of the same file gave. */
export const openJson = async (path: string, from: ReaderPosition = START): Promise<RowReader> => {
  const { layout, offset, columns } = await look(path)
  const begin = from.offset === 0 ? offset : from.offset
  return new JsonReader(columns, new JsonValues(layout, begin, from.line), openBytes(path, begin), from.rows)
}
