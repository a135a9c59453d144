/** Least and greatest value, and the values at either end of time. All exact. */
import type { Accumulator, Memory } from './accumulator.ts'
import { TIME, VALUE } from './accumulator.ts'

/** `number f64 · least f64 · greatest f64`. */
export const extremes: Accumulator = {
  name: 'extremes',
  version: 1,
  words: 3,
  errorBound: 'exact',
  update({ f64 }, at, event) {
    const value = event[VALUE]!
    const isFirst = f64[at] === 0
    if (isFirst || value < f64[at + 1]!) f64[at + 1] = value
    if (isFirst || value > f64[at + 2]!) f64[at + 2] = value
    f64[at] = f64[at]! + 1
  },
  merge({ f64 }, into, from) {
    if (f64[from] === 0) return
    const isFirst = f64[into] === 0
    if (isFirst || f64[from + 1]! < f64[into + 1]!) f64[into + 1] = f64[from + 1]!
    if (isFirst || f64[from + 2]! > f64[into + 2]!) f64[into + 2] = f64[from + 2]!
    f64[into] = f64[into]! + f64[from]!
  },
}

/** Keeps the later (`sign` 1) or the earlier (−1) of two; of one instant, the greater or the smaller value. */
const takeEnd = ({ f64 }: Memory, at: number, sign: 1 | -1, values: Float64Array, time: number, value: number): void => {
  const later = (values[time]! - f64[at + 1]!) * sign
  if (f64[at] !== 0 && (later < 0 || (later === 0 && (values[value]! - f64[at + 2]!) * sign <= 0))) return
  f64[at] = 1
  f64[at + 1] = values[time]!
  f64[at + 2] = values[value]!
}

const end = (name: string, sign: 1 | -1): Accumulator => ({
  name,
  version: 1,
  words: 3,
  errorBound: 'exact; of several values at one instant the ' + (sign === 1 ? 'greatest' : 'smallest'),
  update(memory, at, event) {
    takeEnd(memory, at, sign, event, TIME, VALUE)
  },
  merge(memory, into, from) {
    if (memory.f64[from] !== 0) takeEnd(memory, into, sign, memory.f64, from + 1, from + 2)
  },
})

/** `seen f64 · time f64 · value f64` of the latest. */
export const newest = end('newest', 1)
/** `seen f64 · time f64 · value f64` of the earliest. */
export const oldest = end('oldest', -1)

/** Reads word `word` of an accumulator whose first word is 0 where it has seen nothing. */
const readWord =
  (word: number) =>
  ({ f64 }: Memory, at: number, _: Float64Array, out: Float64Array, slot: number): void => {
    if (f64[at] === 0) out[slot] = NaN
    else out[slot] = f64[at + word]!
  }

export const readLeast = readWord(1)
export const readGreatest = readWord(2)
/** The value of {@link newest} or {@link oldest}. */
export const readEnd = readWord(2)
