/**
 * What all events of one kind have in common, by number: names of fields, categories, what the mapping says outright. Events wait on disk with the
 * number in place of the text, at a quarter of their size, and are spelled out once they are delivered.
 *
 * A line is ASCII, in which two bytes above 127 are the number of a literal; or, behind {@link SPELLED_OUT}, a line of UTF-8 as it is.
 */

export const SPELLED_OUT = 0xff
const NUMBERS_MAX = 0x7f00

/** Of one import; an import that goes on begins with those of its first part. */
export class Literals {
  readonly #numbers = new Map<string, number>()
  readonly #bytes: Uint8Array[] = []
  #longest = 0

  constructor(texts: readonly string[] = []) {
    for (const text of texts) this.numberOf(text)
  }

  get texts(): readonly string[] {
    return [...this.#numbers.keys()]
  }

  /** `text` is ASCII. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#bytes.length
    if (number >= NUMBERS_MAX) throw new Error(`a mapping may have ${NUMBERS_MAX} literals`)
    this.#numbers.set(text, number)
    this.#bytes.push(new Uint8Array(Buffer.from(text, 'latin1')))
    this.#longest = Math.max(this.#longest, text.length)
    return number
  }

  /** Bytes that `line[from .. to)` takes at most, spelled out. */
  roomFor(line: Uint8Array, from: number, to: number): number {
    return line[from] === SPELLED_OUT ? to - from : (to - from) * Math.max(1, this.#longest)
  }

  /** Spells `line[from .. to)` out to `out` from `at` on; gives the place behind it. */
  spellOut(line: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
    let end = at
    if (line[from] === SPELLED_OUT) {
      out.set(line.subarray(from + 1, to), end)
      return end + to - from - 1
    }
    for (let place = from; place < to; place++) {
      const byte = line[place]!
      if (byte < 0x80) {
        out[end++] = byte
        continue
      }
      const literal = this.#bytes[((byte & 0x7f) << 8) | line[++place]!]!
      for (let letter = 0; letter < literal.length; letter++) out[end + letter] = literal[letter]!
      end += literal.length
    }
    return end
  }
}
