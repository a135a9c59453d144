/** A sorted run on disk: per event its time (float64), its length (uint32) and its JSON, little endian. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const HEAD_BYTES = 12
const WRITE_BYTES = 1_048_576
/** Of each run read at a time: 128 runs take 32 MB. */
const READ_BYTES = 262_144

export class RunWriter {
  readonly #file: number
  readonly #buffer = Buffer.allocUnsafe(WRITE_BYTES)
  #used = 0

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  add(time: number, json: Buffer): void {
    if (this.#used + HEAD_BYTES + json.length > this.#buffer.length) this.#flush()
    this.#used = this.#buffer.writeDoubleLE(time, this.#used)
    this.#used = this.#buffer.writeUInt32LE(json.length, this.#used)
    if (json.length > this.#buffer.length - this.#used) {
      this.#flush()
      writeAll(this.#file, json)
    } else this.#used += json.copy(this.#buffer, this.#used)
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

/** A write may take less than it was given, on a disk that is nearly full. */
export const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
}

export class RunReader {
  readonly #file: number
  #buffer = Buffer.alloc(0)
  #at = 0
  time = Number.NaN
  json = Buffer.alloc(0)

  constructor(path: string) {
    this.#file = openSync(path, 'r')
  }

  /** Moves to the next event; false at the end. The event's bytes are valid until the next call. */
  advance(): boolean {
    if (!this.#atHand(HEAD_BYTES)) return false
    this.time = this.#buffer.readDoubleLE(this.#at)
    const length = this.#buffer.readUInt32LE(this.#at + 8)
    if (!this.#atHand(HEAD_BYTES + length)) return false
    this.json = this.#buffer.subarray(this.#at + HEAD_BYTES, this.#at + HEAD_BYTES + length)
    this.#at += HEAD_BYTES + length
    return true
  }

  close(): void {
    closeSync(this.#file)
  }

  #atHand(bytes: number): boolean {
    if (this.#buffer.length - this.#at >= bytes) return true
    const left = this.#buffer.subarray(this.#at)
    const next = Buffer.allocUnsafe(Math.max(READ_BYTES, bytes))
    left.copy(next)
    let used = left.length
    while (used < bytes) {
      const got = readSync(this.#file, next, used, next.length - used, null)
      if (got === 0) break
      used += got
    }
    this.#buffer = next.subarray(0, used)
    this.#at = 0
    return used >= bytes
  }
}
