/**
 * Quantiles with bounded relative error in fixed bytes. Source: C. Masson, J. Rim & H. Lee, "DDSketch" (VLDB 2019), with the linearly
 * interpolated mapping (no logarithm: exponent plus mantissa), collapsing the lowest buckets. Which buckets collapse follows from the
 * greatest value alone, hence not from the order of arrival.
 */
import { exp2 } from '../aggregates/exp2.ts'
import type { Accumulator, Memory } from './accumulator.ts'
import { VALUE } from './accumulator.ts'

/** Relative accuracy of a quantile. */
const ACCURACY = 0.02
/** A bucket spans 1/25 of an octave's mantissa: at most 4 %, which is (1 + α) / (1 − α) for α = 0.0196 ≤ 2 %. */
const BUCKETS_PER_OCTAVE = 25
/** Just over ten octaves: values below a thousandth of the greatest share the lowest bucket. */
const BUCKETS = 256
const HEAD_WORDS = 2

const number = new Float64Array(1)
const bits = new Uint32Array(number.buffer)
const cell = new Float64Array(2)

/** Index of the bucket of a positive number. */
const bucketOf = (values: Float64Array, at: number): number => {
  number[0] = values[at]!
  const exponent = (bits[1]! >>> 20) - 1_023
  const fraction = ((bits[1]! & 0xf_ffff) * 2 ** 32 + bits[0]!) / 2 ** 52
  return Math.floor((exponent + fraction) * BUCKETS_PER_OCTAVE)
}

/** Writes the lower end of a bucket to `cell[at]`. */
const lowerEnd = (bucket: number, at: number): void => {
  const place = bucket / BUCKETS_PER_OCTAVE
  const octave = Math.floor(place)
  cell[at] = octave
  exp2(cell, at)
  cell[at] = cell[at] * (1 + (place - octave))
}

/** Makes `bucket` the highest; what falls below the lowest then held is added to that one. */
const raiseTop = (u32: Uint32Array, at: number, bucket: number): void => {
  const head = 2 * at
  const counts = head + 2 * HEAD_WORDS
  const top = u32[head + 2]! | 0
  const lowest = bucket - BUCKETS + 1
  let below = 0
  for (let i = top - BUCKETS + 1; i <= top && i < lowest; i++) {
    below += u32[counts + (i & (BUCKETS - 1))]!
    u32[counts + (i & (BUCKETS - 1))] = 0
  }
  u32[head + 2] = bucket
  u32[counts + (lowest & (BUCKETS - 1))] = u32[counts + (lowest & (BUCKETS - 1))]! + below
}

const addCount = (u32: Uint32Array, at: number, bucket: number, count: number): void => {
  const head = 2 * at
  const counts = head + 2 * HEAD_WORDS
  if (u32[head + 1] === 0) u32[head + 2] = bucket
  else if (bucket > (u32[head + 2]! | 0)) raiseTop(u32, at, bucket)
  const lowest = (u32[head + 2]! | 0) - BUCKETS + 1
  const place = counts + ((bucket < lowest ? lowest : bucket) & (BUCKETS - 1))
  u32[place] = u32[place]! + count
  u32[head + 1] = u32[head + 1]! + count
}

/** `at or below 0 u32 · above 0 u32 · highest bucket i32 · – u32 · counts u32[256], bucket b at b mod 256`. */
export const ddSketch: Accumulator = {
  name: 'dd-sketch',
  version: 1,
  words: HEAD_WORDS + BUCKETS / 2,
  errorBound: `${ACCURACY * 100} % of the value for values above a thousandth of the greatest; values at or below 0 read as 0`,
  update({ u32 }, at, event) {
    if (event[VALUE]! > 0) addCount(u32, at, bucketOf(event, VALUE), 1)
    else u32[2 * at] = u32[2 * at]! + 1
  },
  merge({ u32 }, into, from) {
    u32[2 * into] = u32[2 * into]! + u32[2 * from]!
    if (u32[2 * from + 1] === 0) return
    const top = u32[2 * from + 2]! | 0
    for (let bucket = top; bucket > top - BUCKETS; bucket--) {
      const count = u32[2 * (from + HEAD_WORDS) + (bucket & (BUCKETS - 1))]!
      if (count > 0) addCount(u32, into, bucket, count)
    }
  },
}

/** The value at rank ⌊(n − 1)q⌋; missing of nothing. */
export const readQuantile =
  (q: number) =>
  ({ u32 }: Memory, at: number, _: Float64Array, out: Float64Array, slot: number): void => {
    const below = u32[2 * at]!
    const count = below + u32[2 * at + 1]!
    let rank = Math.floor((count - 1) * q) - below
    if (count === 0) out[slot] = NaN
    else if (rank < 0) out[slot] = 0
    else {
      const top = u32[2 * at + 2]! | 0
      let bucket = top - BUCKETS + 1
      for (; bucket < top; bucket++) {
        rank -= u32[2 * (at + HEAD_WORDS) + (bucket & (BUCKETS - 1))]!
        if (rank < 0) break
      }
      lowerEnd(bucket, 0)
      lowerEnd(bucket + 1, 1)
      out[slot] = (2 * cell[0]! * cell[1]!) / (cell[0]! + cell[1]!)
    }
  }
