/** Number, sum and squared deviations: what count, sum, mean and variance need. */
import type { Accumulator, Memory } from './accumulator.ts'
import { VALUE } from './accumulator.ts'

const EXACT_SUMS = 'exact for integers while sums stay below 2^53; otherwise 1e-9 relative'

/** `number f64`. */
export const tally: Accumulator = {
  name: 'tally',
  version: 1,
  words: 1,
  errorBound: 'exact',
  update({ f64 }, at) {
    f64[at] = f64[at]! + 1
  },
  merge({ f64 }, into, from) {
    f64[into] = f64[into]! + f64[from]!
  },
}

/** `number f64 · sum f64`. */
export const total: Accumulator = {
  name: 'total',
  version: 1,
  words: 2,
  errorBound: EXACT_SUMS,
  update({ f64 }, at, event) {
    f64[at] = f64[at]! + 1
    f64[at + 1] = f64[at + 1]! + event[VALUE]!
  },
  merge({ f64 }, into, from) {
    f64[into] = f64[into]! + f64[from]!
    f64[into + 1] = f64[into + 1]! + f64[from + 1]!
  },
}

/**
 * `number f64 · sum f64 · Σ(x − mean)² f64`, updated after Welford (1962) and merged after Chan, Golub & LeVeque (1979): large means do not
 * cancel.
 */
export const moments: Accumulator = {
  name: 'moments',
  version: 1,
  words: 3,
  errorBound: '1e-9 relative',
  update({ f64 }, at, event) {
    const value = event[VALUE]!
    const before = f64[at]!
    const distance = before === 0 ? 0 : value - f64[at + 1]! / before
    f64[at] = before + 1
    f64[at + 1] = f64[at + 1]! + value
    f64[at + 2] = f64[at + 2]! + (distance * distance * before) / (before + 1)
  },
  merge({ f64 }, into, from) {
    const [n, m] = [f64[into]!, f64[from]!]
    if (m === 0) return
    const distance = n === 0 ? 0 : f64[from + 1]! / m - f64[into + 1]! / n
    f64[into] = n + m
    f64[into + 1] = f64[into + 1]! + f64[from + 1]!
    f64[into + 2] = f64[into + 2]! + f64[from + 2]! + (distance * distance * n * m) / (n + m)
  },
}

type Read = (memory: Memory, at: number, instant: Float64Array, out: Float64Array, slot: number) => void

/** Of a {@link tally}. */
export const readCount: Read = ({ f64 }, at, _, out, slot) => {
  out[slot] = f64[at]!
}

/** Of a {@link total}. */
export const readSum: Read = ({ f64 }, at, _, out, slot) => {
  out[slot] = f64[at + 1]!
}

/** Of a {@link total}: 0 / 0 is NaN, the mean of nothing is missing. */
export const readMean: Read = ({ f64 }, at, _, out, slot) => {
  out[slot] = f64[at + 1]! / f64[at]!
}

/** Of {@link moments}: n − 1, missing below two values. */
export const readVariance: Read = ({ f64 }, at, _, out, slot) => {
  if (f64[at]! < 2) out[slot] = NaN
  else out[slot] = f64[at + 2]! / (f64[at]! - 1)
}

/** Of {@link moments}: n − 1, missing below two values. */
export const readStd: Read = ({ f64 }, at, _, out, slot) => {
  if (f64[at]! < 2) out[slot] = NaN
  else out[slot] = Math.sqrt(f64[at + 2]! / (f64[at]! - 1))
}
