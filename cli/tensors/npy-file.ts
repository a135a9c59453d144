/** A growing array of float32 rows as a NumPy file, version 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import { closeSync, openSync, writeSync } from 'node:fs'
import { endianness } from 'node:os'

/** Room for any number of rows; a multiple of 64, as the format asks. */
const HEADER_BYTES = 128
const CHUNK_BYTES = 1024 * 1024

export class NpyFile {
  readonly #file: number
  readonly #shape: readonly number[]
  readonly #row: number
  readonly #chunk: Float32Array
  #used = 0
  #rows = 0

  /** @param shape Of one row; `[]` for an array of numbers. */
  constructor(path: string, shape: readonly number[]) {
    if (endianness() !== 'LE') throw new Error('arrays are written little-endian, as this machine is not')
    this.#file = openSync(path, 'w')
    this.#shape = shape
    this.#row = shape.reduce((product, one) => product * one, 1)
    this.#chunk = new Float32Array(Math.max(1, Math.floor(CHUNK_BYTES / 4 / this.#row)) * this.#row)
    this.#writeHeader()
  }

  add(row: Float32Array): void {
    if (row.length !== this.#row) throw new RangeError(`a row has ${this.#row} numbers, given are ${row.length}`)
    this.#chunk.set(row, this.#used)
    this.#used += this.#row
    this.#rows++
    if (this.#used === this.#chunk.length) this.#flush()
  }

  close(): void {
    this.#flush()
    this.#writeHeader()
    closeSync(this.#file)
  }

  #flush(): void {
    const bytes = new Uint8Array(this.#chunk.buffer, 0, this.#used * 4)
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at)
    this.#used = 0
  }

  #writeHeader(): void {
    const shape = [this.#rows, ...this.#shape].join(', ')
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}${this.#shape.length === 0 ? ',' : ''}), }`
    const header = Buffer.alloc(HEADER_BYTES, ' ')
    header.write('\x93NUMPY\x01\x00', 0, 'latin1')
    header.writeUInt16LE(HEADER_BYTES - 10, 8)
    header.write(text, 10, 'latin1')
    header[HEADER_BYTES - 1] = 0x0a
    // The first time it goes where the file begins; the last time over the first.
    writeSync(this.#file, header, 0, HEADER_BYTES, this.#rows === 0 ? null : 0)
  }
}
