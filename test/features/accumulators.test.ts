import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Accumulator, Memory } from '#features/accumulators/accumulator.ts'
import { memoryOf } from '#features/accumulators/accumulator.ts'
import { countMin, readTopShare } from '#features/accumulators/count-min.ts'
import { ddSketch, readQuantile } from '#features/accumulators/dd-sketch.ts'
import { decaying, readDecayedSum } from '#features/accumulators/decaying.ts'
import { extremes, newest, oldest, readEnd, readGreatest, readLeast } from '#features/accumulators/extremes.ts'
import { hyperLogLog, readDistinct } from '#features/accumulators/hyper-log-log.ts'
import { moments, readCount, readMean, readStd, readSum, readVariance, tally, total } from '#features/accumulators/moments.ts'
import { readSlope, regression } from '#features/accumulators/regression.ts'
import { exp2 } from '#features/aggregates/exp2.ts'

const DAY_MS = 86_400_000
const START = Date.UTC(2025, 0, 1)

interface Observation {
  readonly time: number
  readonly value: number
}

const HALF_LIFE_MS = 10 * DAY_MS
/** Everything that merges, how it is read, and whether any order of arrival gives the very same bytes. */
const ALL: readonly { readonly of: Accumulator; readonly read: Parameters<typeof readOf>[1]; readonly sameBytes: boolean }[] = [
  { of: tally, read: readCount, sameBytes: true },
  { of: total, read: readSum, sameBytes: true },
  { of: total, read: readMean, sameBytes: true },
  { of: moments, read: readVariance, sameBytes: false },
  { of: moments, read: readStd, sameBytes: false },
  { of: extremes, read: readLeast, sameBytes: true },
  { of: extremes, read: readGreatest, sameBytes: true },
  { of: newest, read: readEnd, sameBytes: true },
  { of: oldest, read: readEnd, sameBytes: true },
  { of: regression, read: readSlope, sameBytes: false },
  { of: decaying(HALF_LIFE_MS), read: readDecayedSum(HALF_LIFE_MS), sameBytes: false },
  { of: hyperLogLog(4), read: readDistinct(4), sameBytes: true },
  { of: hyperLogLog(8), read: readDistinct(8), sameBytes: true },
  { of: ddSketch, read: readQuantile(0.5), sameBytes: true },
  { of: countMin, read: readTopShare(3), sameBytes: true },
]

/** Room for three partial results of one accumulator: two to merge, one beside. */
const roomFor = ({ words }: Accumulator): Memory => memoryOf(new ArrayBuffer(8 * 3 * words))

const take = (accumulator: Accumulator, memory: Memory, place: number, observations: readonly Observation[]): void => {
  const event = new Float64Array(2)
  for (const { value, time } of observations) {
    event[0] = value
    event[1] = time
    accumulator.update(memory, place * accumulator.words, event)
  }
}

const bytesOf = ({ words }: Accumulator, memory: Memory, place: number): Uint8Array =>
  memory.u8.slice(8 * place * words, 8 * (place + 1) * words)

const readOf = (
  accumulator: Accumulator,
  read: (memory: Memory, at: number, instant: Float64Array, out: Float64Array, slot: number) => void,
  memory: Memory,
  place: number,
): number => {
  const out = new Float64Array(1)
  read(memory, place * accumulator.words, Float64Array.of(START + 400 * DAY_MS), out, 0)
  return out[0]!
}

const close = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1)

const anyObservations = fc.array(
  fc.record({
    time: fc.integer({ min: 0, max: 300 }).map((days) => START + days * DAY_MS),
    value: fc.oneof(fc.integer({ min: -100, max: 100 }), fc.integer({ min: -1_000_000_000, max: 1_000_000_000 })),
  }),
  { maxLength: 200, size: 'max' },
)

describe.for(ALL.map((one) => [`${one.of.name}, ${one.read.name || 'read'}`, one] as const))('%s', ([, { of, read, sameBytes }]) => {
  const whole = (observations: readonly Observation[]): Memory => {
    const memory = roomFor(of)
    take(of, memory, 0, observations)
    return memory
  }

  test('merging parts gives what taking in the whole gives, in either order', () => {
    fc.assert(
      fc.property(anyObservations, fc.nat({ max: 200 }), (observations, cut) => {
        const parts = roomFor(of)
        take(of, parts, 0, observations.slice(0, cut))
        take(of, parts, 1, observations.slice(cut))
        const swapped = memoryOf(parts.u8.slice().buffer)
        of.merge(parts, 0, of.words)
        of.merge(swapped, of.words, 0)
        const all = whole(observations)
        if (sameBytes) {
          expect(bytesOf(of, parts, 0)).toEqual(bytesOf(of, all, 0))
          expect(bytesOf(of, swapped, 1)).toEqual(bytesOf(of, all, 0))
        }
        const wanted = readOf(of, read, all, 0)
        expect(close(readOf(of, read, parts, 0), wanted)).toBe(true)
        expect(close(readOf(of, read, swapped, 1), wanted)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('any order of arrival reads alike', () => {
    const shuffled = anyObservations.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    )
    fc.assert(
      fc.property(shuffled, ([observations, permuted]) => {
        const [a, b] = [whole(observations), whole(permuted)]
        if (sameBytes) expect(bytesOf(of, b, 0)).toEqual(bytesOf(of, a, 0))
        expect(close(readOf(of, read, b, 0), readOf(of, read, a, 0))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('zero bytes have seen nothing, and merging them changes nothing', () => {
    fc.assert(
      fc.property(anyObservations, (observations) => {
        const memory = whole(observations)
        const before = bytesOf(of, memory, 0)
        of.merge(memory, 0, 2 * of.words)
        expect(bytesOf(of, memory, 0)).toEqual(before)
        of.merge(memory, of.words, 0)
        expect(close(readOf(of, read, memory, 1), readOf(of, read, memory, 0))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('bytes beside its own stay as they are', () => {
    const memory = roomFor(of)
    memory.u8.fill(0xaa, 0, 8 * of.words)
    memory.u8.fill(0xaa, 16 * of.words)
    take(
      of,
      memory,
      1,
      Array.from({ length: 500 }, (_, i) => ({ time: START + i, value: i * i })),
    )
    expect(new Set(memory.u8.subarray(0, 8 * of.words))).toEqual(new Set([0xaa]))
    expect(new Set(memory.u8.subarray(16 * of.words))).toEqual(new Set([0xaa]))
  })
})

const fed = (accumulator: Accumulator, values: readonly number[]): Memory => {
  const memory = roomFor(accumulator)
  take(
    accumulator,
    memory,
    0,
    values.map((value) => ({ time: START, value })),
  )
  return memory
}

describe('HyperLogLog', () => {
  test('is exact up to a quarter of its registers', () => {
    for (const count of [0, 1, 17, 64]) {
      const values = Array.from({ length: 500 }, (_, i) => (i % Math.max(count, 1)) * 7 + 1)
      expect(readOf(hyperLogLog(8), readDistinct(8), fed(hyperLogLog(8), count === 0 ? [] : values), 0)).toBe(count)
    }
  })

  test('beyond that stays within five standard errors over five orders of magnitude', () => {
    for (const precision of [6, 8, 12])
      for (const count of [100, 1_000, 10_000, 100_000]) {
        const sketch = hyperLogLog(precision)
        const values = Array.from({ length: count }, (_, i) => i * 1_000_003)
        const relative = readOf(sketch, readDistinct(precision), fed(sketch, values), 0) / count - 1
        expect(Math.abs(relative), `${precision} ${count}`).toBeLessThan((5 * 1.04) / Math.sqrt(2 ** precision))
      }
  })
})

describe('DDSketch', () => {
  test('every quantile of values within a factor of a thousand is within 2 %', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1_100, max: 1_000_000 }), { minLength: 1, maxLength: 300, size: 'max' }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const truth = values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)]!
          expect(Math.abs(readOf(ddSketch, readQuantile(q), fed(ddSketch, values), 0) / truth - 1)).toBeLessThanOrEqual(0.02)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('what is far below the greatest reads as a thousandth of it at most, never as too little', () => {
    const memory = fed(ddSketch, [1, 2, 3, 10_000_000])
    const least = readOf(ddSketch, readQuantile(0), memory, 0)
    expect(least).toBeGreaterThan(1)
    expect(least).toBeLessThan(10_000)
  })
})

describe('count-min', () => {
  test('the share of the most frequent is never too low, and is exact where nothing collides', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 300, size: 'max' }), (values) => {
        const counts = [...Map.groupBy(values, (value) => value).values()].map(({ length }) => length).toSorted((a, b) => b - a)
        const truth = counts.slice(0, 3).reduce((sum, count) => sum + count, 0) / values.length
        const read = readOf(countMin, readTopShare(3), fed(countMin, values), 0)
        expect(read).toBeGreaterThanOrEqual(truth - 1e-12)
        expect(read).toBeLessThanOrEqual(1)
      }),
    )
    expect(readOf(countMin, readTopShare(1), fed(countMin, [5, 5, 5, 9]), 0)).toBe(0.75)
  })

  test('of a thousand values that are all different it says at most a few parts in a hundred', () => {
    const memory = fed(
      countMin,
      Array.from({ length: 1_000 }, (_, i) => i),
    )
    expect(readOf(countMin, readTopShare(1), memory, 0)).toBeLessThan(0.04)
  })
})

test('exp2 equals Math.pow to 4e-16 over all normal results, and is exact at whole numbers', () => {
  const cell = new Float64Array(1)
  fc.assert(
    fc.property(fc.double({ min: -1_021, max: 1_021, noNaN: true }), (x) => {
      cell[0] = x
      exp2(cell, 0)
      expect(Math.abs(cell[0] / 2 ** x - 1)).toBeLessThan(4.5e-16)
    }),
    { numRuns: 5_000 },
  )
  for (const whole of [-1_000, -3, 0, 1, 52]) {
    cell[0] = whole
    exp2(cell, 0)
    expect(cell[0]).toBe(2 ** whole)
  }
})
