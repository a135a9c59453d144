/**
 * Texts as numbers, for state. A field with listed choices keeps its choice's place, exactly; any other text its MurmurHash3 (x86, 32 bit,
 * seed 0) over UTF-8: two of n texts share a code with probability below n²/2³³ (n = 256: 8 in a million). A missing text is NaN.
 * Source: A. Appleby, MurmurHash3_x86_32 (public domain); checked against ClickHouse's `murmurHash3_32`.
 */
import type { FoldedKind } from '../language/kinds.ts'
import { textField } from '../language/kinds.ts'

/** Codes as stored: choices from 0, hashes from 1, and what stands for a missing text. */
export const MISSING_CHOICE = -1
export const MISSING_HASH = 0

/** A text has at most 128 characters by its schema, of at most 3 bytes a UTF-16 unit. */
const utf8 = new Uint8Array(3 * 128)

const encodeUtf8 = (text: string): number => {
  let at = 0
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i)
    if (point >= 0xd800 && point < 0xdc00 && i + 1 < text.length)
      point = 0x10000 + ((point - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00)
    if (point < 0x80) utf8[at++] = point
    else if (point < 0x800) {
      utf8[at++] = 0xc0 | (point >> 6)
      utf8[at++] = 0x80 | (point & 63)
    } else {
      if (point < 0x10000) utf8[at++] = 0xe0 | (point >> 12)
      else {
        utf8[at++] = 0xf0 | (point >> 18)
        utf8[at++] = 0x80 | ((point >> 12) & 63)
      }
      utf8[at++] = 0x80 | ((point >> 6) & 63)
      utf8[at++] = 0x80 | (point & 63)
    }
  }
  return at
}

const scramble = (block: number): number => {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

/** The hash as a signed 32-bit integer. */
const murmur3 = (text: string): number => {
  const bytes = encodeUtf8(text)
  let hash = 0
  let at = 0
  for (; at + 4 <= bytes; at += 4) {
    hash ^= scramble(utf8[at]! | (utf8[at + 1]! << 8) | (utf8[at + 2]! << 16) | (utf8[at + 3]! << 24))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = bytes - 1; i >= at; i--) tail = (tail << 8) | utf8[i]!
  if (bytes > at) hash ^= scramble(tail)
  hash ^= bytes
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Writes a text's code, as stored, to `out[slot]`: through an array, because a number beyond 2³⁰ that is returned may be boxed. */
export type TextCode = (text: string | undefined, out: Float64Array, slot: number) => void

/** The code of a kind's text field. A choice that is not listed cannot pass the schema. */
export const textCode = (kind: FoldedKind, field: string): TextCode => {
  const choices = textField(kind, field)!.choices
  if (choices !== null)
    return (text, out, slot) => {
      out[slot] = text === undefined ? MISSING_CHOICE : choices.indexOf(text)
    }
  return (text, out, slot) => {
    if (text === undefined) out[slot] = MISSING_HASH
    else {
      const hash = murmur3(text)
      // 0 stands for a missing text.
      out[slot] = hash === 0 ? 1 : hash < 0 ? hash + 0x1_0000_0000 : hash
    }
  }
}
