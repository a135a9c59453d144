/**
 * A 64-bit non-cryptographic hash in two 32-bit halves, without allocation: two MurmurHash3-style lanes with different multipliers,
 * cross-mixed at the end. Used within one applicant's dedupe ring, and among the events under way, where a chance collision has odds of about
 * n²·2⁻⁶⁵: 3·10⁻¹⁰ among the 100,000 that may be under way at once.
 */
export interface Hash64 {
  high: number
  low: number
}

const NO_SEED: Hash64 = { high: 0, low: 0 }
const C1 = 0xcc9e2d51
const C2 = 0x1b873593
const C3 = 0x85ebca6b
const C4 = 0xc2b2ae35

export const hashBytes = (data: Uint8Array, out: Hash64): void => {
  let a = 0x9e3779b9 ^ data.length
  let b = 0x243f6a88 ^ data.length
  let i = 0
  for (; i + 4 <= data.length; i += 4) {
    const k = (data[i] as number) | ((data[i + 1] as number) << 8) | ((data[i + 2] as number) << 16) | ((data[i + 3] as number) << 24)
    a = mix(a, k, C1)
    b = mix(b, k, C3)
  }
  for (; i < data.length; i++) {
    a = mix(a, data[i] as number, C1)
    b = mix(b, data[i] as number, C3)
  }
  finish(a, b, out)
}

/** Hash of two texts as one; the boundary counts, so that ("ab", "c") and ("a", "bc") differ. `seed` tells pairs of different owners apart. */
export const hashPair = (first: string, second: string, out: Hash64, seed: Hash64 = NO_SEED): void => {
  let a = 0x9e3779b9 ^ first.length ^ seed.high
  let b = 0x243f6a88 ^ second.length ^ seed.low
  for (let i = 0; i < first.length; i++) {
    const k = first.charCodeAt(i)
    a = mix(a, k, C1)
    b = mix(b, k, C3)
  }
  for (let i = 0; i < second.length; i++) {
    const k = second.charCodeAt(i)
    a = mix(a, k, C1)
    b = mix(b, k, C3)
  }
  finish(a, b, out)
}

const mix = (state: number, word: number, multiplier: number): number => {
  let k = Math.imul(word, multiplier)
  k = (k << 15) | (k >>> 17)
  const h = state ^ Math.imul(k, C2)
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

const avalanche = (value: number): number => {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, C3)
  h = Math.imul(h ^ (h >>> 13), C4)
  return h ^ (h >>> 16)
}

const finish = (a: number, b: number, out: Hash64): void => {
  out.high = avalanche(a + Math.imul(b, C1)) >>> 0
  out.low = avalanche(b + Math.imul(out.high, C2)) >>> 0
}
