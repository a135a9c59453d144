/**
 * Records of CSV (RFC 4180) in a stream of bytes: where each cell begins and ends. Cells stay bytes until somebody asks, since a mapping reads
 * few of the columns of a wide table. Quoted cells may hold delimiters, line feeds and doubled quotes; a quote inside an unquoted cell is a
 * letter like any other. Lines end in LF, CRLF or the end of the file.
 */

const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
/** Longest record: a quote that is never closed would otherwise swallow the file. */
const RECORD_BYTES_MAX = 1_048_576
/** Most cells of a record. */
const CELLS_MAX = 16_384

export type Scanned = 'record' | 'blank' | 'more' | 'unclosed-quote' | 'too-many-cells'

export class CsvScanner {
  readonly #delimiter: number
  bytes: Buffer = Buffer.alloc(0)
  /** Begin and end of each cell in {@link bytes}; the end is `~end` where doubled quotes must be halved. */
  cells = new Int32Array(2 * 64)
  count = 0
  /** Line the last record began on, from 1. */
  line = 1
  #nextLine = 1
  #at = 0
  /** Position of `bytes[0]` in the file. */
  #base: number
  #ended = false

  constructor(delimiter: string, offset = 0, line = 1) {
    this.#delimiter = delimiter.charCodeAt(0)
    this.#base = offset
    this.#nextLine = line
  }

  /** Byte of the file after the last record. */
  get offset(): number {
    return this.#base + this.#at
  }

  /** Line of the next record. */
  get nextLine(): number {
    return this.#nextLine
  }

  /** More bytes; what is left of the last ones is kept. */
  push(chunk: Buffer): void {
    const left = this.bytes.subarray(this.#at)
    this.#base += this.#at
    this.bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk])
    this.#at = 0
  }

  /** No more bytes will come. */
  end(): void {
    this.#ended = true
  }

  /** Finds the next record. After anything but `more` the scanner stands behind it. */
  next(): Scanned {
    const { bytes } = this
    const delimiter = this.#delimiter
    const start = this.#at
    const size = bytes.length
    if (start >= size) return 'more'
    this.line = this.#nextLine
    this.count = 0
    let at = start
    let feeds = 0
    for (;;) {
      // A cell begins here.
      if (bytes[at] === QUOTE) {
        const close = this.#quoted(at + 1)
        if (close < 0) return this.#unclosed(start)
        feeds += this.#feeds
        at = close
        // Letters between a closing quote and the delimiter belong to nobody: they are passed over with the rest of a broken cell.
        while (at < size && bytes[at] !== delimiter && bytes[at] !== LF) at++
      } else {
        const from = at
        let byte = -1
        while (at < size && (byte = bytes[at]!) !== delimiter && byte !== LF) at++
        this.#add(from, at)
      }
      if (at >= size) return this.#ended ? this.#close(start, size, size, feeds) : this.#wait(start)
      if (bytes[at] === LF) return this.#close(start, at, at + 1, feeds + 1)
      at++
      if (this.count >= CELLS_MAX) return this.#skipLine(start, 'too-many-cells')
      if (at >= size) {
        if (!this.#ended) return this.#wait(start)
        this.#add(at, at)
        return this.#close(start, size, size, feeds)
      }
    }
  }

  #feeds = 0

  /** Adds the quoted cell whose content begins at `from`; gives the place behind its closing quote, or −1 where there is none yet. */
  #quoted(from: number): number {
    const { bytes } = this
    let doubled = false
    let feeds = 0
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]
      if (byte === LF) feeds++
      else if (byte === QUOTE) {
        if (bytes[at + 1] === QUOTE) {
          doubled = true
          at++
        } else {
          // The very last byte at hand may be the first half of a doubled quote.
          if (at + 1 === bytes.length && !this.#ended) return -1
          this.#add(from, doubled ? ~at : at)
          this.#feeds = feeds
          return at + 1
        }
      }
    }
    return -1
  }

  #add(from: number, to: number): void {
    const at = 2 * this.count
    if (at === this.cells.length) {
      const wider = new Int32Array(2 * this.cells.length)
      wider.set(this.cells)
      this.cells = wider
    }
    this.cells[at] = from
    this.cells[at + 1] = to
    this.count++
  }

  #close(start: number, stop: number, next: number, lines: number): Scanned {
    const last = 2 * this.count - 1
    // CRLF: the carriage return is no part of an unquoted last cell.
    const end = this.cells[last]!
    if (end === stop && end > this.cells[last - 1]! && this.bytes[end - 1] === CR) this.cells[last] = end - 1
    this.#at = next
    this.#nextLine += lines
    return this.count === 1 && this.cells[0] === this.cells[1] && this.bytes[start] !== QUOTE ? 'blank' : 'record'
  }

  #wait(start: number): Scanned {
    return this.bytes.length - start > RECORD_BYTES_MAX ? this.#skipLine(start, 'unclosed-quote') : 'more'
  }

  #unclosed(start: number): Scanned {
    return this.#ended ? this.#skipLine(start, 'unclosed-quote') : this.#wait(start)
  }

  /** Goes on at the next line whatever it holds: one broken record must not take the rest of the file with it. */
  #skipLine(start: number, why: Scanned): Scanned {
    const feed = this.bytes.indexOf(LF, start)
    this.#at = feed < 0 ? this.bytes.length : feed + 1
    this.#nextLine++
    return why
  }
}
