/** 32 bits from a number, for sketches. Source of the mixing: fmix32 of A. Appleby's MurmurHash3 (public domain). */

const number = new Float64Array(1)
const bits = new Uint32Array(number.buffer)

const fmix32 = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** Writes the hash of `values[at]` under a seed to `out[0]`; equal numbers hash alike, −0 as 0. */
export const hashValue = (values: Float64Array, at: number, seed: number, out: Uint32Array): void => {
  number[0] = values[at]! + 0
  out[0] = fmix32(bits[0]! ^ fmix32(bits[1]! ^ seed))
}
