/**
 * How much of a stream its most frequent values make up, in fixed bytes. Source: G. Cormode & S. Muthukrishnan, "An improved data stream
 * summary: the count-min sketch" (2005). The k most frequent values occupy at most k cells of a row, so the k largest cells of any row bound
 * their number from above; the smallest such bound of all rows is read. No list of candidates is kept: it would depend on the order of arrival.
 */
import type { Accumulator, Memory } from './accumulator.ts'
import { VALUE } from './accumulator.ts'
import { hashValue } from './value-hash.ts'

const ROWS = 4
const CELLS = 64
const K_MAX = 16
const hash = new Uint32Array(1)
const largest = new Float64Array(K_MAX)

/** `number u32 · – u32 · cells u32[4 × 64]`. */
export const countMin: Accumulator = {
  name: 'count-min',
  version: 1,
  words: 1 + (ROWS * CELLS) / 2,
  errorBound: `never below the truth; above it by what else shares the k cells, about k/${CELLS} of the events where they are spread`,
  update({ u32 }, at, event) {
    u32[2 * at] = u32[2 * at]! + 1
    for (let row = 0; row < ROWS; row++) {
      hashValue(event, VALUE, row + 1, hash)
      const cell = 2 * at + 2 + row * CELLS + (hash[0]! & (CELLS - 1))
      u32[cell] = u32[cell]! + 1
    }
  },
  merge({ u32 }, into, from) {
    u32[2 * into] = u32[2 * into]! + u32[2 * from]!
    for (let i = 2; i < 2 + ROWS * CELLS; i++) u32[2 * into + i] = u32[2 * into + i]! + u32[2 * from + i]!
  },
}

/** Sum of the k largest cells of a row. */
const topOfRow = (u32: Uint32Array, row: number, k: number): number => {
  largest.fill(0)
  for (let cell = 0; cell < CELLS; cell++) {
    const count = u32[row + cell]!
    if (count <= largest[k - 1]!) continue
    let at = k - 1
    for (; at > 0 && largest[at - 1]! < count; at--) largest[at] = largest[at - 1]!
    largest[at] = count
  }
  let sum = 0
  for (let i = 0; i < k; i++) sum += largest[i]!
  return sum
}

/** Share of the events that bear one of the k most frequent values, never too low; missing of nothing. */
export const readTopShare =
  (k: number) =>
  ({ u32 }: Memory, at: number, _: Float64Array, out: Float64Array, slot: number): void => {
    let least = Infinity
    for (let row = 0; row < ROWS; row++) least = Math.min(least, topOfRow(u32, 2 * at + 2 + row * CELLS, k))
    if (u32[2 * at] === 0) out[slot] = NaN
    else out[slot] = least / u32[2 * at]!
  }
