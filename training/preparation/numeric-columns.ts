/** Cleaning of a number: gaps filled, outliers capped, and a note of where gaps were. */
import { previousFloat32 } from '#registry/onnx/float32.ts'
import type { EncodedColumn } from '#registry/manifest.ts'
import { quantile } from '../metrics/bootstrap.ts'
import { columnOf, type Piece } from './encoded-column.ts'
import type { NumericStep } from './preparation.ts'

/** The most frequent value; of several the least, as scikit-learn has it. */
const mostFrequent = (sorted: Float32Array): number => {
  let [best, most] = [sorted[0]!, 0]
  for (let from = 0; from < sorted.length;) {
    let to = from
    while (to < sorted.length && sorted[to] === sorted[from]) to++
    if (to - from > most) [best, most] = [sorted[from]!, to - from]
    from = to
  }
  return best
}

const fillOf = (impute: NumericStep['impute'], sorted: Float32Array): number | null => {
  switch (impute) {
    case undefined:
      return null
    case 'median':
      return quantile(sorted, 0.5)
    case 'mean':
      return sorted.reduce((sum, value) => sum + value, 0) / sorted.length
    case 'most-frequent':
      return mostFrequent(sorted)
    default:
      return impute
  }
}

/** Below the low quantile its value, above the high one that, the value itself between. */
const cappedPieces = (clip: NumericStep['clip'], sorted: Float32Array): Piece[] => {
  if (clip === undefined) return [{ upTo: Infinity, value: null }]
  const [low, high] = clip.map((share) => Math.fround(quantile(sorted, share))) as [number, number]
  if (low === high) return [{ upTo: Infinity, value: low }]
  const pieces = [
    { upTo: previousFloat32(low), value: low },
    { upTo: high, value: null },
    { upTo: Infinity, value: high },
  ]
  return pieces
}

/** @throws RangeError where no value is known: there is nothing to fill gaps with. */
export const numericColumns = (step: NumericStep, values: Float32Array): EncodedColumn[] => {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted()
  if (sorted.length === 0) throw new RangeError(`${step.feature} is missing in every training row; leave it out of the preparation`)
  const cleaned = columnOf(step.feature, 'clean', cappedPieces(step.clip, sorted), fillOf(step.impute, sorted))
  if (step.indicator !== true) return [cleaned]
  return [cleaned, columnOf(step.feature, 'missing', [{ upTo: Infinity, value: 0 }], 1)]
}
