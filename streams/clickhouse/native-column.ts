/**
 * Columns of ClickHouse's Native format, written from typed arrays: values go straight into the bytes that the engine will read.
 * Layouts as in ClickHouse's `SerializationNumber`, `SerializationString`, `SerializationArray` and `SerializationLowCardinality`.
 * All little-endian, as is every platform chDB runs on.
 */

/** A column under construction. */
export interface NativeColumn {
  /** Type as the Native header names it. */
  readonly type: string
  readonly rows: number
  /** Bytes held so far, about. */
  readonly bytes: number
  /** Bytes that stand before the data of a nested column, once per column and block. */
  prefix(): Buffer[]
  data(): Buffer[]
  clear(): void
}

/** LEB128, as ClickHouse writes lengths. */
export const varint = (value: number): Buffer => {
  const bytes: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  bytes.push(value)
  return Buffer.from(bytes)
}

const TWO_32 = 2 ** 32
const FIRST_ROWS = 1024

/** Bytes per value of a fixed-width type. */
const WIDTHS = { UInt8: 1, Bool: 1, UInt16: 2, UInt32: 4, Float32: 4, UInt64: 8, Int64: 8, Float64: 8, "DateTime64(3, 'UTC')": 8 } as const
export type NumberType = keyof typeof WIDTHS

/** Numbers; 64-bit integers from JavaScript's safe integers. */
export class NumberColumn implements NativeColumn {
  readonly type: NumberType
  rows = 0
  readonly #width: number
  #buffer: Buffer
  #view: DataView

  constructor(type: NumberType) {
    this.type = type
    this.#width = WIDTHS[type]
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_ROWS * this.#width)
    this.#view = viewOf(this.#buffer)
  }

  get bytes(): number {
    return this.rows * this.#width
  }

  push(value: number): void {
    const at = this.rows * this.#width
    if (at + this.#width > this.#buffer.length) this.#grow(at + this.#width)
    const view = this.#view
    switch (this.type) {
      case 'UInt8':
      case 'Bool':
        view.setUint8(at, value)
        break
      case 'UInt16':
        view.setUint16(at, value, true)
        break
      case 'UInt32':
        view.setUint32(at, value, true)
        break
      case 'Float32':
        view.setFloat32(at, value, true)
        break
      case 'Float64':
        view.setFloat64(at, value, true)
        break
      default: {
        const high = Math.floor(value / TWO_32)
        view.setUint32(at, value - high * TWO_32, true)
        view.setInt32(at + 4, high, true)
      }
    }
    this.rows += 1
  }

  pushAll(values: Float32Array | Float64Array): void {
    const end = (this.rows + values.length) * this.#width
    if (end > this.#buffer.length) this.#grow(end)
    if (this.type === 'Float32') new Float32Array(this.#buffer.buffer, this.rows * 4, values.length).set(values)
    else new Float64Array(this.#buffer.buffer, this.rows * 8, values.length).set(values)
    this.rows += values.length
  }

  prefix(): Buffer[] {
    return []
  }

  data(): Buffer[] {
    return [this.#buffer.subarray(0, this.bytes)]
  }

  clear(): void {
    this.rows = 0
  }

  #grow(needed: number): void {
    this.#buffer = grown(this.#buffer, needed)
    this.#view = viewOf(this.#buffer)
  }
}

const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.length)

const grown = (buffer: Buffer, needed: number): Buffer => {
  const next = Buffer.allocUnsafeSlow(Math.max(needed, buffer.length * 2))
  next.set(buffer)
  return next
}

/** UTF-8 texts, each behind its length. */
export class StringColumn implements NativeColumn {
  readonly type = 'String'
  rows = 0
  bytes = 0
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_ROWS * 16)

  push(value: string): void {
    // Three bytes a UTF-16 unit bound the length, and below 128 bytes the length takes one byte.
    const bound = value.length * 3
    if (this.bytes + bound + 5 > this.#buffer.length) this.#buffer = grown(this.#buffer, this.bytes + bound + 5)
    if (bound < 128) {
      const written = this.#buffer.write(value, this.bytes + 1, bound, 'utf8')
      this.#buffer[this.bytes] = written
      this.bytes += 1 + written
    } else {
      this.#length(Buffer.byteLength(value))
      this.bytes += this.#buffer.write(value, this.bytes, bound, 'utf8')
    }
    this.rows += 1
  }

  pushBytes(value: Uint8Array): void {
    if (this.bytes + value.length + 5 > this.#buffer.length) this.#buffer = grown(this.#buffer, this.bytes + value.length + 5)
    this.#length(value.length)
    this.#buffer.set(value, this.bytes)
    this.bytes += value.length
    this.rows += 1
  }

  prefix(): Buffer[] {
    return []
  }

  data(): Buffer[] {
    return [this.#buffer.subarray(0, this.bytes)]
  }

  clear(): void {
    this.rows = 0
    this.bytes = 0
  }

  #length(length: number): void {
    for (; length >= 0x80; length >>>= 7) this.#buffer[this.bytes++] = (length & 0x7f) | 0x80
    this.#buffer[this.bytes++] = length
  }
}

/** ASCII texts of one length, such as hashes in hexadecimal. */
export class FixedStringColumn implements NativeColumn {
  readonly type: string
  rows = 0
  readonly #width: number
  #buffer: Buffer

  constructor(width: number) {
    this.type = `FixedString(${width})`
    this.#width = width
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_ROWS * width)
  }

  get bytes(): number {
    return this.rows * this.#width
  }

  push(value: string): void {
    if (value.length !== this.#width) throw new RangeError(`a ${this.type} takes ${this.#width} characters, got ${value.length}`)
    const at = this.bytes
    if (at + this.#width > this.#buffer.length) this.#buffer = grown(this.#buffer, at + this.#width)
    this.#buffer.write(value, at, this.#width, 'latin1')
    this.rows += 1
  }

  prefix(): Buffer[] {
    return []
  }

  data(): Buffer[] {
    return [this.#buffer.subarray(0, this.bytes)]
  }

  clear(): void {
    this.rows = 0
  }
}
