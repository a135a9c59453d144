import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Dataset } from '#training/dataset.ts'
import { informationValue } from '#training/weight-of-evidence.ts'
import { type BinLimits, type Counts, optimalBins } from '#training/optimal-bins.ts'
import { oneHotColumns, targetColumn } from '#training/preparation/category-columns.ts'
import { encode } from '#training/preparation/encoded-column.ts'
import { fitPreparation } from '#training/preparation/fit-preparation.ts'
import { numericColumns } from '#training/preparation/numeric-columns.ts'

type Gaps = readonly (number | null)[]
interface Reference {
  readonly amount: Gaps
  readonly code: Gaps
  readonly labels: readonly number[]
  readonly folds: readonly number[]
  readonly unseen: Gaps
  readonly imputed: Readonly<Record<'mean' | 'median' | 'most_frequent' | 'constant', readonly number[]>>
  readonly indicator: readonly number[]
  readonly clipped: Gaps
  readonly oneHot: { readonly categories: Gaps; readonly rows: readonly (readonly number[])[] }
  readonly rates: readonly { readonly smoothing: number; readonly values: readonly number[]; readonly outOfFold: readonly number[] }[]
  readonly bins: readonly {
    readonly values: readonly number[]
    readonly labels: readonly number[]
    readonly direction: 1 | -1
    readonly binsMax: number
    readonly splits: readonly number[]
    readonly iv: number
  }[]
}
/** See `test/fixtures/training/generate_preparation.py` for libraries, versions and how to regenerate. */
const reference = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/training/preparation.json'), 'utf8')) as Reference
const floats = (values: Gaps): Float32Array => Float32Array.from(values, (value) => value ?? Number.NaN)
const amount = floats(reference.amount)
const code = floats(reference.code)
const labels = Uint8Array.from(reference.labels)
const unseen = floats(reference.unseen)

/** Equal to what float32 can tell apart: references are doubles, columns are float32. */
const expectSame = (ours: ArrayLike<number>, theirs: Gaps): void =>
  theirs.forEach((value, row) => expect(ours[row], `row ${row}`).toBe(value === null ? Number.NaN : Math.fround(value)))

describe('encoders agree with scikit-learn', () => {
  test.each([
    ['mean', 'mean'],
    ['median', 'median'],
    ['most-frequent', 'most_frequent'],
    [-7, 'constant'],
  ] as const)('imputation by %s, with its indicator', (impute, theirs) => {
    const [clean, missing] = numericColumns({ how: 'numeric', feature: 'amount', impute, indicator: true }, amount)
    expectSame(
      amount.map((value) => encode(clean!, value)),
      reference.imputed[theirs],
    )
    expectSame(
      amount.map((value) => encode(missing!, value)),
      reference.indicator,
    )
  })
  test('caps at quantiles, leaving missing values missing', () => {
    const [clipped] = numericColumns({ how: 'numeric', feature: 'amount', clip: [0.05, 0.95] }, amount)
    expectSame(
      amount.map((value) => encode(clipped!, value)),
      reference.clipped,
    )
  })
  test('one-hot columns, with 0 in each for a value not seen in training', () => {
    const columns = oneHotColumns({ how: 'one-hot', feature: 'code' }, code)
    const rows = Array.from(unseen, (value) => columns.map((column) => encode(column, value)))
    expect(rows).toEqual(reference.oneHot.rows)
    expect(columns.map(({ name }) => name)).toEqual(
      reference.oneHot.categories.map((category) => `code:${category === null ? 'missing' : `is(${category})`}`),
    )
  })
  test.each(reference.rates)(
    'smoothed bad rates, on all rows and out of fold, smoothing $smoothing',
    ({ smoothing, values, outOfFold }) => {
      const step = { how: 'target', feature: 'code', smoothing } as const
      const column = targetColumn(step, code, labels)
      expectSame(
        unseen.map((value) => encode(column, value)),
        values,
      )
      const ours = code.map((value, row) => {
        const others = reference.folds.flatMap((fold, other) => (fold === reference.folds[row] ? [] : [other]))
        const fitted = targetColumn(
          step,
          Float32Array.from(others, (other) => code[other]!),
          Uint8Array.from(others, (other) => labels[other]!),
        )
        return encode(fitted, value)
      })
      expectSame(ours, outOfFold)
    },
  )
})

const fineOf = (values: readonly number[], outcomes: readonly number[]): Counts[] =>
  Array.from({ length: Math.max(...values) + 1 }, (_, bin) => {
    const inside = outcomes.filter((__, row) => values[row] === bin)
    const bads = inside.reduce((sum, label) => sum + label, 0)
    return { goods: inside.length - bads, bads }
  })
const sum = (bins: readonly Counts[]): Counts =>
  bins.reduce((all, bin) => ({ goods: all.goods + bin.goods, bads: all.bads + bin.bads }), { goods: 0, bads: 0 })
const joined = (fine: readonly Counts[], ends: readonly number[]): Counts[] =>
  ends.map((end, bin) => sum(fine.slice((ends[bin - 1] ?? -1) + 1, end + 1)))
const information = (bins: readonly Counts[]): number =>
  informationValue(
    bins.map(({ goods }) => goods),
    bins.map(({ bads }) => bads),
  )
const allowed = (bins: readonly Counts[], direction: 1 | -1, limits: BinLimits): boolean => {
  const rates = bins.map(({ goods, bads }) => bads / (goods + bads))
  return (
    bins.length <= limits.binsMax &&
    bins.every(({ goods, bads }) => goods + bads >= limits.rowsMin && Math.min(goods, bads) >= limits.outcomesMin) &&
    rates.every((rate, bin) => bin === 0 || direction * (rate - rates[bin - 1]!) > 0)
  )
}
/** Every way to cut n fine bins into neighbours. */
const partitions = (n: number): number[][] =>
  Array.from({ length: 2 ** (n - 1) }, (_, cuts) => [
    ...Array.from({ length: n - 1 }, (__, bin) => bin).filter((bin) => ((cuts >> bin) & 1) === 1),
    n - 1,
  ])

describe('optimal monotone bins', () => {
  test.each(reference.bins)(
    'are those of optbinning: $splits, direction $direction',
    ({ values, labels: known, direction, binsMax, splits, iv }) => {
      const fine = fineOf(values, known)
      const ends = optimalBins(fine, sum(fine), direction, { rowsMin: values.length * 0.05, outcomesMin: 10, binsMax })!
      expect(ends.slice(0, -1).map((end) => end + 0.5)).toEqual(splits)
      expect(information(joined(fine, ends))).toBeCloseTo(iv, 9)
    },
  )
  test('are the best of all partitions that keep the limits, or none where none does', () => {
    const bin = fc.record({ goods: fc.integer({ min: 0, max: 60 }), bads: fc.integer({ min: 0, max: 40 }) })
    const cases = fc.tuple(
      fc.array(bin, { minLength: 1, maxLength: 9 }),
      fc.constantFrom(1 as const, -1 as const),
      fc.record({
        rowsMin: fc.integer({ min: 1, max: 80 }),
        outcomesMin: fc.integer({ min: 1, max: 10 }),
        binsMax: fc.integer({ min: 1, max: 6 }),
      }),
    )
    fc.assert(
      fc.property(cases, ([fine, direction, limits]) => {
        const found = optimalBins(fine, sum(fine), direction, limits)
        const best = partitions(fine.length)
          .map((ends) => joined(fine, ends))
          .filter((bins) => allowed(bins, direction, limits))
          .map(information)
        expect(found === null).toBe(best.length === 0)
        if (found === null) return
        expect(allowed(joined(fine, found), direction, limits)).toBe(true)
        expect(information(joined(fine, found))).toBeCloseTo(Math.max(...best), 12)
      }),
      { numRuns: 300 },
    )
  })
})

const data: Dataset = {
  rows: code.length,
  columns: 2,
  values: Float32Array.from({ length: code.length * 2 }, (_, at) => (at % 2 === 0 ? amount[at >> 1]! : code[at >> 1]!)),
  labels,
  applicantIds: Array.from(code, (_, row) => `a${row >> 1}`),
}
const context = { features: ['amount', 'code'], directions: new Map<number, 1 | -1>(), seed: 1 }

describe('a fitted preparation', () => {
  test('keeps what nothing is said of, and a feature that is to be kept beside what was made of it', () => {
    const { columns } = fitPreparation([{ how: 'target', feature: 'code', keep: true }], data, context)
    expect(columns.map(({ source, encoded }) => encoded?.name ?? source)).toEqual([0, 1, 'code:bad-rate'])
  })
  test('gives a training row the bad rate that other clients had: its own outcome does not move it', () => {
    const steps = [{ how: 'target', feature: 'code' }] as const
    // A client of two bads: with one of them good it is still one that went bad once, and stays in its fold.
    const row = labels.findIndex((label, at) => at % 2 === 0 && label === 1 && labels[at + 1] === 1)
    const before = fitPreparation(steps, data, context)
    const after = fitPreparation(steps, { ...data, labels: labels.with(row, 0) }, context)
    const last = ({ columns, values }: Dataset): number => values[row * columns + 1]!
    expect(last(after.training)).toBe(last(before.training))
    expect(last(after.encoded(data))).not.toBe(last(before.encoded(data)))
  })
  test('takes a feature without bins that differ for no evidence at all', () => {
    const good = { ...data, labels: new Uint8Array(data.rows) }
    const { columns } = fitPreparation([{ how: 'woe', feature: 'amount' }], good, context)
    expect(columns.at(-1)!.encoded).toMatchObject({ name: 'amount:woe', edges: [], pieces: [0], missing: 0 })
  })
  test('refuses to code a feature of many values, or one whose direction it could not keep, and says what to do', () => {
    const oneHot = (feature: string) => [{ how: 'one-hot', feature }] as const
    expect(() => fitPreparation(oneHot('amount'), data, context)).toThrow('amount has more than 32 different values')
    expect(() => fitPreparation(oneHot('code'), data, { ...context, directions: new Map([[1, 1 as const]]) })).toThrow(
      'code may only raise the risk, which "how: one-hot" cannot keep; use "how: woe"',
    )
  })
})
