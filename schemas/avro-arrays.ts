/**
 * Avro arrays that neither trust a count nor box a number. A count is believed only as far as the bytes that are left could hold so many
 * items: a damaged record ends as a rejection, where avsc would build up to 2^32 items before it looked. Vectors are copied as bytes.
 *
 * Rests on avsc 5.7's reader and writer protocol (`_read`, `_write` with a tap of `buf` and `pos`), pinned exactly; tests compare every
 * byte with avsc's own path and with another library's.
 */
import avsc from 'avsc'

/** The part of avsc's cursor that is used here. A position beyond the buffer means: invalid. */
export interface Tap {
  readonly buf: Buffer
  pos: number
  readLong(): number
  writeLong(value: number): void
}

const invalidate = (tap: Tap): void => {
  tap.pos = tap.buf.length + 1
}

/** Items of the next block, 0 at the end. Invalidates the tap where the rest is too short for so many items of at least `itemBytes`. */
const readBlockCount = (tap: Tap, itemBytes: number): number => {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.readLong() // the block's size in bytes, of use to those who skip it
  }
  if (count * itemBytes <= tap.buf.length - tap.pos) return count
  invalidate(tap)
  return 0
}

interface Reader {
  _read(tap: Tap): unknown
}

/** Passes over an array whose items `skipItem` passes over; as bounded as reading it. */
export const skipArray = (tap: Tap, skipItem: (tap: Tap) => void): void => {
  for (let count = readBlockCount(tap, 1); count > 0; count = readBlockCount(tap, 1))
    for (let index = 0; index < count && tap.pos <= tap.buf.length; index++) skipItem(tap)
}

/** Passes over an array whose items take `width` bytes each, without going through them. */
export const skipVector = (tap: Tap, width: number): void => {
  for (let count = readBlockCount(tap, width); count > 0; count = readBlockCount(tap, width)) tap.pos += count * width
}

/** An array of items that take at least one byte each. */
export class BoundedArray extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const reader = this.itemsType as unknown as Reader
    const items: unknown[] = []
    for (let count = readBlockCount(tap, 1); count > 0; count = readBlockCount(tap, 1))
      for (let index = 0; index < count && tap.pos <= tap.buf.length; index++) items.push(reader._read(tap))
    return items
  }
}

/** Avro writes floats little-endian; so do x86-64 and arm64. Elsewhere the copied bytes are swapped. */
const BIG_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0

type Vector = Float32Array | Float64Array

const bytesOf = (vector: Vector): Uint8Array => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)

const swapIfNeeded = (bytes: Uint8Array, width: number): void => {
  if (!BIG_ENDIAN) return
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (width === 4) buffer.swap32()
  else buffer.swap64()
}

/** Writes the one NaN there is here: IEEE 754 leaves its sign and payload open, and processors differ (0/0 is negative on x86). */
const writeNaN = (buffer: Buffer, at: number, width: number): void => {
  if (width === 8) buffer.writeUInt32LE(0, at)
  buffer.writeUInt32LE(width === 8 ? 0x7ff8_0000 : 0x7fc0_0000, at + width - 4)
}

const writeVector = (tap: Tap, vector: Vector): void => {
  const { length, BYTES_PER_ELEMENT: width } = vector
  if (length > 0) {
    tap.writeLong(length)
    const start = tap.pos
    tap.pos += length * width
    // Where the buffer is too small the position alone moves on: the caller learns how much is missing.
    if (tap.pos <= tap.buf.length) {
      tap.buf.set(bytesOf(vector), start)
      swapIfNeeded(tap.buf.subarray(start, tap.pos), width)
      for (let index = 0; index < length; index++) if (Number.isNaN(vector[index])) writeNaN(tap.buf, start + index * width, width)
    }
  }
  tap.writeLong(0)
}

const readVector = <Out extends Vector>(tap: Tap, Kind: (new (length: number) => Out) & { readonly BYTES_PER_ELEMENT: number }): Out => {
  const width = Kind.BYTES_PER_ELEMENT
  let vector = new Kind(0)
  for (let count = readBlockCount(tap, width); count > 0; count = readBlockCount(tap, width)) {
    const longer = new Kind(vector.length + count)
    longer.set(vector)
    const block = bytesOf(longer).subarray(vector.byteLength)
    block.set(tap.buf.subarray(tap.pos, tap.pos + count * width))
    swapIfNeeded(block, width)
    tap.pos += count * width
    vector = longer
  }
  return vector
}

/** `_fromValue` and `_toValue` serve avsc's own paths (checking, resolving); reading and writing go around them. */
export class Float32Vector extends avsc.types.LogicalType {
  _read(tap: Tap): Float32Array {
    return readVector(tap, Float32Array)
  }
  _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Float32Array)) throw new TypeError(`expected a Float32Array, got ${typeof value}`)
    writeVector(tap, value)
  }
  protected override _fromValue(value: unknown): Float32Array {
    return Float32Array.from(value as number[])
  }
  protected override _toValue(value: unknown): unknown {
    return value instanceof Float32Array ? Array.from(value) : undefined
  }
}

export class Float64Vector extends avsc.types.LogicalType {
  _read(tap: Tap): Float64Array {
    return readVector(tap, Float64Array)
  }
  _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Float64Array)) throw new TypeError(`expected a Float64Array, got ${typeof value}`)
    writeVector(tap, value)
  }
  protected override _fromValue(value: unknown): Float64Array {
    return Float64Array.from(value as number[])
  }
  protected override _toValue(value: unknown): unknown {
    return value instanceof Float64Array ? Array.from(value) : undefined
  }
}
