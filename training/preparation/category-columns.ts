/** Features that are codes: one column a code, or the smoothed bad rate of each. */
import { previousFloat32 } from '#registry/onnx/float32.ts'
import type { EncodedColumn } from '#registry/manifest.ts'
import { columnOf, type Piece } from './encoded-column.ts'
import { type OneHotStep, SMOOTHING_ROWS_DEFAULT, type TargetStep } from './preparation.ts'

/** Codes of one feature at most: a tree that asks for one of many becomes as deep as it has codes. */
const CODES_MAX = 32

/** Codes seen, ascending, and whether the feature was ever missing. @throws RangeError where it is no code. */
const codesOf = (feature: string, values: Float32Array): { readonly codes: readonly number[]; readonly missing: boolean } => {
  const seen = new Set<number>()
  let missing = false
  for (const value of values) {
    if (Number.isNaN(value)) missing = true
    // −0 is 0.
    else seen.add(value + 0)
    if (seen.size > CODES_MAX)
      throw new RangeError(`${feature} has more than ${CODES_MAX} different values: it is no code; use "how: woe" or "how: numeric"`)
  }
  return { codes: [...seen].toSorted((a, b) => a - b), missing }
}

/** Each code's value at that code alone, `other` everywhere else. */
const piecesAt = (codes: readonly number[], valueOf: (code: number) => number, other: number): Piece[] => [
  ...codes.flatMap((code) => [
    { upTo: previousFloat32(code), value: other },
    { upTo: code, value: valueOf(code) },
  ]),
  { upTo: Infinity, value: other },
]

export const oneHotColumns = ({ feature }: OneHotStep, values: Float32Array): EncodedColumn[] => {
  const { codes, missing } = codesOf(feature, values)
  const columns = codes.map((code) =>
    columnOf(
      feature,
      `is(${code})`,
      piecesAt([code], () => 1, 0),
      0,
    ),
  )
  return missing ? [...columns, columnOf(feature, 'missing', [{ upTo: Infinity, value: 0 }], 1)] : columns
}

/**
 * (bads + smoothing · bad rate of all) / (rows + smoothing) of each code, missing being one where it was seen (D. Micci-Barreca, "A preprocessing
 * scheme for high-cardinality categorical attributes", SIGKDD Explorations 3 (2001) 27–32).
 */
export const targetColumn = (step: TargetStep, values: Float32Array, labels: Uint8Array): EncodedColumn => {
  const { feature, smoothing = SMOOTHING_ROWS_DEFAULT } = step
  const { codes, missing } = codesOf(feature, values)
  const rate = labels.reduce((sum, label) => sum + label, 0) / labels.length
  const rows = new Map<number, number>()
  const bads = new Map<number, number>()
  values.forEach((value, row) => {
    rows.set(value + 0, (rows.get(value + 0) ?? 0) + 1)
    bads.set(value + 0, (bads.get(value + 0) ?? 0) + labels[row]!)
  })
  const smoothed = (code: number): number => (bads.get(code)! + smoothing * rate) / (rows.get(code)! + smoothing)
  return columnOf(feature, 'bad-rate', piecesAt(codes, smoothed, rate), missing ? smoothed(Number.NaN) : rate)
}
