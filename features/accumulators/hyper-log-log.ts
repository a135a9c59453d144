/**
 * How many different values, in fixed bytes: their hashes while they fit, then HyperLogLog registers in the same place. Which values were
 * seen determines every byte. Source: P. Flajolet et al. (2007); estimator without bias tables and logarithms: O. Ertl, "New cardinality
 * estimation algorithms for HyperLogLog sketches" (2017), algorithm 6.
 */
import type { Accumulator, Memory } from './accumulator.ts'
import { VALUE } from './accumulator.ts'
import { hashValue } from './value-hash.ts'

const PRECISION_MIN = 4
const PRECISION_MAX = 12
const HASH_BITS = 32
const hash = new Uint32Array(1)
/** Registers of a sketch that still lists hashes, while it is merged or grows out of its list. */
const listed = new Uint32Array(2 ** PRECISION_MAX / 4)
const histogram = new Float64Array(HASH_BITS + 2)

/** Registers by index of the leading bits: position of the first 1 among the others. */
const raise = (u8: Uint8Array, registers: number, precision: number, value: number): void => {
  const rest = (value << precision) >>> 0
  const rank = rest === 0 ? HASH_BITS - precision + 1 : Math.clz32(rest) + 1
  const at = registers + (value >>> (HASH_BITS - precision))
  if (rank > u8[at]!) u8[at] = rank
}

/** `listed u32 · dense u32 · hashes u32[2^p / 4], ascending, or registers u8[2^p]`. */
export const hyperLogLog = (precision: number): Accumulator => {
  if (!Number.isInteger(precision) || precision < PRECISION_MIN || precision > PRECISION_MAX)
    throw new RangeError(`HyperLogLog takes a precision from ${PRECISION_MIN} to ${PRECISION_MAX}, got ${precision}`)
  const listMax = 2 ** precision / 4
  const words = 1 + 2 ** precision / 8

  const toDense = ({ u32, u8 }: Memory, at: number): void => {
    const count = u32[2 * at]!
    for (let i = 0; i < count; i++) listed[i] = u32[2 * at + 2 + i]!
    u8.fill(0, 8 * at + 8, 8 * (at + words))
    u32[2 * at] = 0
    u32[2 * at + 1] = 1
    for (let i = 0; i < count; i++) raise(u8, 8 * at + 8, precision, listed[i]!)
  }
  const add = (memory: Memory, at: number, value: number): void => {
    const { u32 } = memory
    if (u32[2 * at + 1] === 0) {
      const count = u32[2 * at]!
      const list = 2 * at + 2
      let place = count
      while (place > 0 && u32[list + place - 1]! > value) place--
      if (place > 0 && u32[list + place - 1] === value) return
      if (count < listMax) {
        u32.copyWithin(list + place + 1, list + place, list + count)
        u32[list + place] = value
        u32[2 * at] = count + 1
        return
      }
      toDense(memory, at)
    }
    raise(memory.u8, 8 * at + 8, precision, value)
  }
  return {
    name: `hyper-log-log-${precision}`,
    version: 1,
    words,
    errorBound: `exact up to ${listMax}, then a standard error of ${(104 / Math.sqrt(2 ** precision)).toFixed(1)} %`,
    update(memory, at, event) {
      hashValue(event, VALUE, 0, hash)
      add(memory, at, hash[0]!)
    },
    merge(memory, into, from) {
      const { u32, u8 } = memory
      if (u32[2 * from + 1] === 0) {
        const count = u32[2 * from]!
        for (let i = 0; i < count; i++) add(memory, into, u32[2 * from + 2 + i]!)
        return
      }
      if (u32[2 * into + 1] === 0) toDense(memory, into)
      for (let i = 8; i < 8 * words; i++) if (u8[8 * from + i]! > u8[8 * into + i]!) u8[8 * into + i] = u8[8 * from + i]!
    },
  }
}

/** σ of Ertl's estimator, for registers never touched. */
const sigma = (share: number): number => {
  let [x, y, z, before] = [share, 1, share, -1]
  while (z !== before) {
    x *= x
    before = z
    z += x * y
    y += y
  }
  return z
}

/** τ of Ertl's estimator, for saturated registers. */
const tau = (share: number): number => {
  if (share === 0 || share === 1) return 0
  let [x, y, z, before] = [share, 1, 1 - share, -1]
  while (z !== before) {
    x = Math.sqrt(x)
    before = z
    y /= 2
    z -= (1 - x) * (1 - x) * y
  }
  return z / 3
}

const estimate = (u8: Uint8Array, registers: number, precision: number): number => {
  const m = 2 ** precision
  const q = HASH_BITS - precision
  histogram.fill(0)
  for (let i = 0; i < m; i++) histogram[u8[registers + i]!] = histogram[u8[registers + i]!]! + 1
  let z = m * tau(1 - histogram[q + 1]! / m)
  for (let k = q; k >= 1; k--) z = 0.5 * (z + histogram[k]!)
  z += m * sigma(histogram[0]! / m)
  return (m * m) / (2 * Math.LN2 * z)
}

/** Reads the number of different values off a sketch of this precision. */
export const readDistinct =
  (precision: number) =>
  ({ u32, u8 }: Memory, at: number, _: Float64Array, out: Float64Array, slot: number): void => {
    if (u32[2 * at + 1] === 0) out[slot] = u32[2 * at]!
    else out[slot] = estimate(u8, 8 * at + 8, precision)
  }
