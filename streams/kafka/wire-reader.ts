/** Reads the fields of a Kafka response from one buffer: big-endian integers, unsigned varints, tagged fields. */

const TWO_32 = 2 ** 32

/** Offsets and times stay numbers: both are far below 2^53. */
export const int64At = (bytes: Buffer, at: number): number => bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)

export class WireReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  int16(): number {
    this.at += 2
    return this.bytes.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  int64(): number {
    this.at += 8
    return int64At(this.bytes, this.at - 8)
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes.readUInt8(this.at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new RangeError(`a variable-length integer at byte ${this.at - 5} does not end`)
  }

  /** A topic's id in the form that metadata has it in. */
  uuid(): string {
    const hex = this.bytes.toString('hex', this.at, this.at + 16)
    this.at += 16
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  /** Null is an empty string. */
  compactString(): string {
    const length = Math.max(0, this.unsignedVarint() - 1)
    this.at += length
    return this.bytes.toString('utf8', this.at - length, this.at)
  }

  /** Entries of a compact array; null is empty. */
  array<Value>(read: () => Value): Value[] {
    const out: Value[] = []
    for (let left = this.unsignedVarint() - 1; left > 0; left--) out.push(read())
    return out
  }

  /** Calls back for each tag with the reader at its content; what is not read is passed over. */
  tags(read?: (tag: number) => void): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      const tag = this.unsignedVarint()
      const end = this.unsignedVarint() + this.at
      read?.(tag)
      this.at = end
    }
  }
}
