/**
 * What all events of one kind have in common, by number: names of fields, categories, what the mapping says outright. Events wait on disk with the
 * number in place of the text, at a quarter of their size, and are spelled out once they are delivered.
 *
 * A line is ASCII, in which two bytes above 127 are the number of a literal; or, behind {@link SPELLED_OUT}, a line of UTF-8 as it is.
 */

export const SPELLED_OUT = 0xff
const NUMBERS_MAX = 0x7f00
const WORD_BYTES = 4

/** Of one import; an import that goes on begins with those of its first part. */
export class Literals {
  readonly #numbers = new Map<string, number>()
  /** Four letters a word, the last one filled up: words are copied in a quarter of the time that letters take. */
  readonly #words: Int32Array[] = []
  readonly #lengths: number[] = []
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
    const number = this.#words.length
    if (number >= NUMBERS_MAX) throw new Error(`a mapping may have ${NUMBERS_MAX} literals`)
    this.#numbers.set(text, number)
    this.#words.push(wordsOf(text))
    this.#lengths.push(text.length)
    this.#longest = Math.max(this.#longest, text.length)
    return number
  }

  /** Bytes that `line[from .. to)` takes at most, spelled out. */
  roomFor(line: Uint8Array, from: number, to: number): number {
    return line[from] === SPELLED_OUT ? to - from : (to - from) * Math.max(1, this.#longest) + WORD_BYTES
  }

  /** Spells `line[from .. to)` out to `out` from `at` on; gives the place behind it. Bytes behind that place may be overwritten. */
  spellOut(line: Uint8Array, from: number, to: number, out: DataView, at: number): number {
    const words = this.#words
    const lengths = this.#lengths
    let end = at
    if (line[from] === SPELLED_OUT) {
      new Uint8Array(out.buffer, out.byteOffset + at).set(line.subarray(from + 1, to))
      return end + to - from - 1
    }
    for (let place = from; place < to; place++) {
      const byte = line[place]!
      if (byte < 0x80) {
        out.setUint8(end++, byte)
        continue
      }
      const number = ((byte & 0x7f) << 8) | line[++place]!
      const literal = words[number]!
      for (let word = 0; word < literal.length; word++) out.setInt32(end + WORD_BYTES * word, literal[word]!, true)
      end += lengths[number]!
    }
    return end
  }
}

const wordsOf = (ascii: string): Int32Array => {
  const bytes = Buffer.from(ascii.padEnd(WORD_BYTES * Math.ceil(ascii.length / WORD_BYTES)), 'latin1')
  return Int32Array.from({ length: bytes.length / WORD_BYTES }, (_, word) => bytes.readInt32LE(WORD_BYTES * word))
}
