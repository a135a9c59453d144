/**
 * Top-level values in a stream of JSON: one a line, or the elements of one array. Finds where each begins and ends without parsing it, so that a
 * file larger than memory can be read.
 */

const [QUOTE, BACKSLASH, COMMA, LF] = [0x22, 0x5c, 0x2c, 0x0a]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
/** Largest value: bounds what a bracket that is never closed can swallow. */
const VALUE_BYTES_MAX = 1_048_576

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === LF || byte === 0x0d

export type JsonLayout = 'lines' | 'array'
export type ScannedJson = 'value' | 'more' | 'too-large'

export class JsonValues {
  readonly #layout: JsonLayout
  bytes: Buffer = Buffer.alloc(0)
  /** The last value found: `bytes[from .. to)`. */
  from = 0
  to = 0
  /** Line it began on, from 1. */
  line = 1
  #at = 0
  #base: number
  #nextLine: number
  #ended = false

  /** `offset`: of an array, behind its opening bracket or behind an element. */
  constructor(layout: JsonLayout, offset = 0, line = 1) {
    this.#layout = layout
    this.#base = offset
    this.#nextLine = line
  }

  get offset(): number {
    return this.#base + this.#at
  }
  get nextLine(): number {
    return this.#nextLine
  }

  push(chunk: Buffer): void {
    const left = this.bytes.subarray(this.#at)
    this.#base += this.#at
    this.bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk])
    this.#at = 0
  }

  end(): void {
    this.#ended = true
  }

  next(): ScannedJson {
    this.#between()
    if (this.#at >= this.bytes.length) return 'more'
    this.line = this.#nextLine
    const to = this.#layout === 'lines' ? this.bytes.indexOf(LF, this.#at) : this.#elementEnd(this.#at)
    if (to >= 0) return this.#take(to)
    if (this.#ended) return this.#take(this.bytes.length)
    if (this.bytes.length - this.#at <= VALUE_BYTES_MAX) return 'more'
    this.#pass(this.bytes.length)
    return 'too-large'
  }

  #take(to: number): 'value' {
    this.from = this.#at
    this.to = to
    this.#pass(to)
    return 'value'
  }

  /** Goes on at `to`, counting lines. */
  #pass(to: number): void {
    for (let feed = this.bytes.indexOf(LF, this.#at); feed >= 0 && feed < to; feed = this.bytes.indexOf(LF, feed + 1)) this.#nextLine++
    this.#at = to
  }

  /** Passes over white space and, in an array, over commas and the closing bracket. */
  #between(): void {
    const { bytes } = this
    let at = this.#at
    while (at < bytes.length) {
      const byte = bytes[at]!
      if (!isSpace(byte) && (this.#layout === 'lines' || (byte !== COMMA && byte !== CLOSE_ARRAY))) break
      at++
    }
    this.#pass(at)
  }

  /** End of the array's element that begins at `from`; −1 where it is not at hand yet. */
  #elementEnd(from: number): number {
    const { bytes } = this
    let depth = 0
    let quoted = false
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]
      if (quoted) {
        if (byte === BACKSLASH) at++
        else if (byte === QUOTE) quoted = false
      } else if (byte === QUOTE) quoted = true
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (depth === 0) return at
        if (--depth === 0) return at + 1
      } else if (byte === COMMA && depth === 0) return at
    }
    return -1
  }
}
