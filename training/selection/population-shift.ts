/** How much a feature's distribution moved within the training period: what drifted before will drift again. */
import type { Dataset } from '../dataset.ts'
import { referenceDistribution } from '../reference-distribution.ts'

/** Half a row, so that an empty bin has a logarithm. */
const EMPTY_ROWS = 0.5

/**
 * Population stability index of the newer half of the applications against the older, Σ (p − q) ln(p / q) over the older half's deciles and the missing; below
 * 0.1 stable, above 0.25 moved (N. Siddiqi, "Credit Risk Scorecards", 2006). null where event times are unknown.
 */
export const populationShift = ({ rows, columns, values, eventTimes }: Dataset): Float64Array | null => {
  if (eventTimes === undefined) return null
  const order = Int32Array.from({ length: rows }, (_, row) => row).toSorted((a, b) => eventTimes[a]! - eventTimes[b]! || a - b)
  const half = rows >> 1
  const column = (feature: number, part: Int32Array): Float32Array => Float32Array.from(part, (row) => values[row * columns + feature]!)
  return Float64Array.from({ length: columns }, (_, feature) => {
    const { edges, shares } = referenceDistribution('', column(feature, order.subarray(0, half)))
    const counts = new Float64Array(shares.length)
    for (const value of column(feature, order.subarray(half))) {
      const bin = edges.findIndex((edge) => value <= edge)
      const at = Number.isNaN(value) ? shares.length - 1 : bin === -1 ? edges.length : bin
      counts[at] = counts[at]! + 1
    }
    const newer = rows - half
    return shares.reduce((sum, share, bin) => {
      const [p, q] = [Math.max(counts[bin]!, EMPTY_ROWS) / newer, Math.max(share * half, EMPTY_ROWS) / half]
      return sum + (p - q) * Math.log(p / q)
    }, 0)
  })
}
