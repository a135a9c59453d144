import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packedWordsMax, packWords, unpackWords } from '#streams/packed-words.ts'

/** Stretches of zeros and of anything, as records have them. */
const run = fc
  .array(
    fc.oneof(
      fc.nat({ max: 60 }).map((zeros) => Array.from({ length: zeros }, () => 0)),
      fc.array(fc.integer(), { maxLength: 60 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.flat())

/** The packed run of `words`, behind `front` others. */
const packed = (words: readonly number[], front = 0): Int32Array => {
  const source = new Int32Array(packedWordsMax(words.length)).fill(7)
  source.set(words)
  const target = new Int32Array(front + packedWordsMax(words.length)).fill(9)
  return target.slice(0, packWords(source, words.length, target, front))
}
const roomFor = (words: number): Int32Array => new Int32Array(packedWordsMax(words))
/** With what may be read beyond the end. */
const readable = (words: Int32Array): Int32Array => {
  const out = new Int32Array(words.length + 64).fill(-1)
  out.set(words)
  return out
}

it('a run unpacks to the same words, whatever they are and wherever they lie', () => {
  fc.assert(
    fc.property(run, fc.nat({ max: 9 }), (words, front) => {
      const bytes = packed(words, front)
      const target = roomFor(words.length)
      expect(unpackWords(readable(bytes), front, bytes.length, words.length, target)).toBe(true)
      expect([...target.subarray(0, words.length)]).toEqual(words)
    }),
  )
})

it('it takes a word for each that is not zero, and a bit for each, filled up to words', () => {
  fc.assert(
    fc.property(run, (words) => {
      expect(packed(words)).toHaveLength(words.filter((word) => word !== 0).length + Math.ceil(words.length / 32))
    }),
  )
})

it('one that was cut, lengthened or changed is refused, or has as many words set as its bits say', () => {
  fc.assert(
    fc.property(run, fc.nat(), fc.integer(), (words, at, value) => {
      const whole = packed(words)
      const target = roomFor(words.length)
      const unpacks = (bytes: Int32Array): boolean => unpackWords(readable(bytes), 0, bytes.length, words.length, target)
      if (whole.length > 0) expect(unpacks(whole.slice(0, -1))).toBe(false)
      expect(unpacks(Int32Array.of(...whole, value))).toBe(false)
      if (whole.length === 0) return
      const changed = whole.slice()
      changed[at % whole.length] = value
      unpacks(changed)
    }),
  )
})
