/** A sorted run on disk: per event its time (float64), its length (uint32) and its line of NDJSON, little endian. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const HEAD_BYTES = 12
const WRITE_BYTES = 262_144
/** Of each run read at a time: 128 runs take 32 MB. */
const READ_BYTES = 262_144

export class RunWriter {
  readonly #file: number
  readonly #buffer = Buffer.allocUnsafe(WRITE_BYTES)
  #used = 0

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  /** One event: `bytes[from .. to)`, with its line feed. */
  add(time: number, bytes: Buffer, from: number, to: number): void {
    const length = to - from
    if (this.#used + HEAD_BYTES + length > this.#buffer.length) this.#flush()
    this.#used = this.#buffer.writeDoubleLE(time, this.#used)
    this.#used = this.#buffer.writeUInt32LE(length, this.#used)
    if (length > this.#buffer.length - this.#used) {
      this.#flush()
      writeAll(this.#file, bytes.subarray(from, to))
    } else this.#used += bytes.copy(this.#buffer, this.#used, from, to)
  }

  close(): void {
    this.#flush()
    closeSync(this.#file)
  }

  #flush(): void {
    writeAll(this.#file, this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }
}

/** Of one system call: calls of 128 KiB and more took up to ten times the system time for the same bytes where it was measured. */
const CALL_BYTES = 65_536

/** A write may take less than it was given, on a disk that is nearly full. */
export const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, Math.min(CALL_BYTES, bytes.length - done))
}

export class RunReader {
  readonly #file: number
  #at = 0
  #used = 0
  time = Number.NaN
  /** The event at hand is `bytes[from .. to)`, with its line feed; valid until the next {@link advance}. */
  bytes = Buffer.allocUnsafe(READ_BYTES)
  from = 0
  to = 0

  constructor(path: string) {
    this.#file = openSync(path, 'r')
  }

  /** Moves to the next event; false at the end. */
  advance(): boolean {
    if (!this.#atHand(HEAD_BYTES)) return false
    this.time = this.bytes.readDoubleLE(this.#at)
    const length = this.bytes.readUInt32LE(this.#at + 8)
    if (!this.#atHand(HEAD_BYTES + length)) return false
    this.from = this.#at + HEAD_BYTES
    this.to = this.#at = this.from + length
    return true
  }

  close(): void {
    closeSync(this.#file)
  }

  #atHand(wanted: number): boolean {
    if (this.#used - this.#at >= wanted) return true
    const left = this.#used - this.#at
    if (wanted > this.bytes.length) {
      const wider = Buffer.allocUnsafe(wanted)
      this.bytes.copy(wider, 0, this.#at, this.#used)
      this.bytes = wider
    } else this.bytes.copyWithin(0, this.#at, this.#used)
    this.#at = 0
    this.#used = left
    while (this.#used < wanted) {
      const got = readSync(this.#file, this.bytes, this.#used, this.bytes.length - this.#used, null)
      if (got === 0) return false
      this.#used += got
    }
    return true
  }
}
