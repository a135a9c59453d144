/** Columns made of other columns: nullable numbers, texts of few values, arrays. */
import { NumberColumn, StringColumn, varint, type NativeColumn, type NumberType } from './native-column.ts'

const uint64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** Numbers that may be absent: a map of nulls, then the numbers with zeros in the gaps. */
export class NullableNumberColumn implements NativeColumn {
  readonly type: string
  readonly #nulls = new NumberColumn('UInt8')
  readonly #values: NumberColumn

  constructor(type: NumberType) {
    this.type = `Nullable(${type})`
    this.#values = new NumberColumn(type)
  }

  get rows(): number {
    return this.#nulls.rows
  }

  get bytes(): number {
    return this.#nulls.bytes + this.#values.bytes
  }

  push(value: number | null): void {
    this.#nulls.push(value === null ? 1 : 0)
    this.#values.push(value ?? 0)
  }

  prefix(): Buffer[] {
    return []
  }

  data(): Buffer[] {
    return [...this.#nulls.data(), ...this.#values.data()]
  }

  clear(): void {
    this.#nulls.clear()
    this.#values.clear()
  }
}

/** Version of the LowCardinality layout: dictionary with additional keys. */
const LOW_CARDINALITY_VERSION = 1
/** The block brings its own keys (bit 9) and the reader's dictionary starts anew (bit 10); the low byte is the width of an index. */
const OWN_KEYS = 0x600
const INDEX_TYPES = ['UInt8', 'UInt16', 'UInt32'] as const

/** Texts of few values: each block carries its dictionary. Where `nullable`, the first key stands for null. */
export class LowCardinalityColumn implements NativeColumn {
  readonly type: string
  readonly #first: number
  readonly #keys = new Map<string, number>()
  readonly #indexes: number[] = []
  rows = 0
  #keyBytes = 0

  constructor(options: { readonly nullable?: boolean } = {}) {
    const nullable = options.nullable ?? false
    this.type = nullable ? 'LowCardinality(Nullable(String))' : 'LowCardinality(String)'
    this.#first = nullable ? 1 : 0
  }

  get bytes(): number {
    return this.rows * 2 + this.#keyBytes
  }

  push(value: string | null): void {
    let index = 0
    if (value === null) {
      if (this.#first === 0) throw new TypeError('null in a column that is not nullable')
    } else {
      const known = this.#keys.get(value)
      index = known ?? this.#keys.size + this.#first
      if (known === undefined) {
        this.#keys.set(value, index)
        this.#keyBytes += value.length + 1
      }
    }
    this.#indexes[this.rows++] = index
  }

  prefix(): Buffer[] {
    return [uint64(LOW_CARDINALITY_VERSION)]
  }

  data(): Buffer[] {
    // An empty column has no dictionary at all.
    if (this.rows === 0) return []
    const count = this.#keys.size + this.#first
    const width = count <= 0x100 ? 0 : count <= 0x1_0000 ? 1 : 2
    const keys = new StringColumn()
    if (this.#first === 1) keys.push('')
    for (const key of this.#keys.keys()) keys.push(key)
    const indexes = new NumberColumn(INDEX_TYPES[width] ?? 'UInt32')
    for (let row = 0; row < this.rows; row++) indexes.push(this.#indexes[row] ?? 0)
    return [uint64(OWN_KEYS + width), uint64(count), ...keys.data(), uint64(this.rows), ...indexes.data()]
  }

  clear(): void {
    this.rows = 0
    this.#keyBytes = 0
    this.#keys.clear()
  }
}

/** Arrays: where each ends, then all elements. Push elements to `items`, then `end()` the row. */
export class ArrayColumn<Items extends NativeColumn> implements NativeColumn {
  readonly type: string
  readonly items: Items
  readonly #ends = new NumberColumn('UInt64')

  constructor(items: Items) {
    this.type = `Array(${items.type})`
    this.items = items
  }

  get rows(): number {
    return this.#ends.rows
  }

  get bytes(): number {
    return this.#ends.bytes + this.items.bytes
  }

  end(): void {
    this.#ends.push(this.items.rows)
  }

  prefix(): Buffer[] {
    return this.items.prefix()
  }

  data(): Buffer[] {
    return [...this.#ends.data(), ...this.items.data()]
  }

  clear(): void {
    this.#ends.clear()
    this.items.clear()
  }
}

const named = (text: string): Buffer[] => {
  const bytes = Buffer.from(text)
  return [varint(bytes.length), bytes]
}

/** One block of the Native format: the number of columns and rows, then each column with its name and type. */
export const nativeBlock = (columns: Readonly<Record<string, NativeColumn>>): Buffer[] => {
  const entries = Object.entries(columns)
  const rows = entries[0]?.[1].rows ?? 0
  const out = [varint(entries.length), varint(rows)]
  for (const [name, column] of entries) {
    if (column.rows !== rows) throw new RangeError(`column ${name} has ${column.rows} rows, the block ${rows}`)
    out.push(...named(name), ...named(column.type), ...(rows === 0 ? [] : [...column.prefix(), ...column.data()]))
  }
  return out
}

/** Bytes of a block under construction, about. */
export const blockBytes = (columns: Readonly<Record<string, NativeColumn>>): number =>
  Object.values(columns).reduce((sum, column) => sum + column.bytes, 0)
