/** The events of one row as lines of NDJSON, written byte by byte, literals by their number: no object and no text in between. */
import { SPELLED_OUT } from './literals.ts'

const LINES_BYTES = 16_384
/** Longest number written here: a sign and sixteen digits. */
const DIGITS_MAX = 17
const DAY_MS = 86_400_000
const INSTANT_BYTES = 26
const [ZERO, QUOTE, MINUS, COLON, DOT, T, Z] = [0x30, 0x22, 0x2d, 0x3a, 0x2e, 0x54, 0x5a]

/** Letters of an identifier. */
export const IDENTIFIER = 1
/** Printable ASCII that JSON writes as it is. */
export const PLAIN = 2

const LETTERS = Uint8Array.from(
  { length: 128 },
  (_, code) =>
    (/[A-Za-z0-9._:~-]/.test(String.fromCharCode(code)) ? IDENTIFIER : 0) |
    (code >= 0x20 && code < 0x7f && code !== QUOTE && code !== 0x5c ? PLAIN : 0),
)

/** Civil date of a day since 1970 as `(year × 16 + month) × 32 + day`; days before 0000-03-01 are not asked for. Hinnant, “chrono-compatible low-level date algorithms” (2013). */
export const civilOf = (day: number): number => {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return (year * 16 + month) * 32 + dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
}

export class EventLines {
  bytes = Buffer.allocUnsafe(LINES_BYTES)
  /** Bytes written, of the line being written too. */
  used = 0
  count = 0
  /** Event time of each line, epoch milliseconds. */
  times = new Float64Array(16)
  /** Behind the line feed of each line. */
  ends = new Uint32Array(16)
  #day = Number.NaN
  #civil = 0

  clear(): void {
    this.used = 0
    this.count = 0
  }

  /** Takes back the line being written. */
  dropLine(): void {
    this.used = this.count === 0 ? 0 : this.ends[this.count - 1]!
  }

  endLine(time: number): void {
    this.#room(1)
    this.bytes[this.used++] = 0x0a
    if (this.count === this.times.length) this.#more()
    this.times[this.count] = time
    this.ends[this.count++] = this.used
  }

  /** A whole event that was made the general way. */
  addJson(json: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    this.#room(1 + 3 * json.length)
    this.bytes[this.used++] = SPELLED_OUT
    this.used += this.bytes.write(json, this.used)
  }

  literal(number: number): void {
    this.#room(2)
    this.bytes[this.used++] = 0x80 | (number >> 8)
    this.bytes[this.used++] = number & 0xff
  }

  /** False, with anything written, where a letter is not of the class. */
  letters(text: string, letterClass: number): boolean {
    const { length } = text
    this.#room(length)
    const { bytes, used } = this
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 127 || (LETTERS[code]! & letterClass) === 0) return false
      bytes[used + index] = code
    }
    this.used = used + length
    return true
  }

  /** A safe integer. */
  integer(value: number): void {
    this.#room(DIGITS_MAX)
    const { bytes } = this
    let rest = value
    if (rest < 0) {
      bytes[this.used++] = MINUS
      rest = -rest
    }
    let digits = 1
    for (let bound = 10; rest >= bound; bound *= 10) digits++
    let at = (this.used += digits)
    // Division of 32-bit integers is several times faster than of others.
    while (rest > 0x7fff_ffff) {
      const tenth = Math.floor(rest / 10)
      bytes[--at] = ZERO + (rest - tenth * 10)
      rest = tenth
    }
    for (let small = rest | 0; at > this.used - digits;) {
      const tenth = (small / 10) | 0
      bytes[--at] = ZERO + (small - tenth * 10)
      small = tenth
      if (small === 0) break
    }
  }

  /** `"2005-09-14T08:30:00.000Z"` of whole milliseconds from 1970 to 9999. */
  instant(time: number): void {
    this.#room(INSTANT_BYTES)
    const day = Math.floor(time / DAY_MS)
    if (day !== this.#day) {
      this.#day = day
      this.#civil = civilOf(day)
    }
    const civil = this.#civil
    const year = civil >> 9
    const rest = time - day * DAY_MS
    const seconds = (rest / 1_000) | 0
    const minutes = (seconds / 60) | 0
    const { bytes } = this
    let at = this.used
    bytes[at++] = QUOTE
    at = two(bytes, two(bytes, at, (year / 100) | 0), year % 100)
    bytes[at++] = MINUS
    at = two(bytes, at, (civil >> 5) & 15)
    bytes[at++] = MINUS
    at = two(bytes, at, civil & 31)
    bytes[at++] = T
    at = two(bytes, at, (minutes / 60) | 0)
    bytes[at++] = COLON
    at = two(bytes, at, minutes % 60)
    bytes[at++] = COLON
    at = two(bytes, at, seconds % 60)
    bytes[at++] = DOT
    const fraction = rest - seconds * 1_000
    bytes[at++] = ZERO + ((fraction / 100) | 0)
    at = two(bytes, at, fraction % 100)
    bytes[at++] = Z
    bytes[at++] = QUOTE
    this.used = at
  }

  #room(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return
    const wider = Buffer.allocUnsafe(2 * this.bytes.length + bytes)
    this.bytes.copy(wider, 0, 0, this.used)
    this.bytes = wider
  }

  #more(): void {
    const [times, ends] = [new Float64Array(2 * this.count), new Uint32Array(2 * this.count)]
    times.set(this.times)
    ends.set(this.ends)
    this.times = times
    this.ends = ends
  }
}

const two = (bytes: Uint8Array, at: number, value: number): number => {
  const tens = (value / 10) | 0
  bytes[at] = ZERO + tens
  bytes[at + 1] = ZERO + (value - tens * 10)
  return at + 2
}
