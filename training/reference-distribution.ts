/** What features and scores looked like in training: the reference drift is measured against. */
import type { ReferenceDistribution } from '#registry/manifest.ts'
import type { Dataset } from './dataset.ts'
import { quantile } from './metrics/bootstrap.ts'

const BINS = 10

/**
 * Decile edges (equal ones once), the share of values in each bin (`x <= edge` belongs below it), then the share missing; and the range of the known
 * values, beyond which nothing was ever seen.
 */
export const referenceDistribution = (feature: string, values: Float32Array | Float64Array): ReferenceDistribution => {
  const known = values.filter((value) => !Number.isNaN(value)).toSorted()
  const missing = (values.length - known.length) / values.length
  if (known.length === 0) return { feature, edges: [], shares: [0, missing] }
  const deciles = Array.from({ length: BINS - 1 }, (_, index) => Math.fround(quantile(known, (index + 1) / BINS)))
  const edges = [...new Set(deciles)].filter((edge) => edge < known.at(-1)!).toSorted((a, b) => a - b)
  const counts = Array.from({ length: edges.length + 1 }, () => 0)
  let bin = 0
  for (const value of known) {
    while (bin < edges.length && value > edges[bin]!) bin++
    counts[bin] = counts[bin]! + 1
  }
  return { feature, edges, shares: [...counts.map((count) => count / values.length), missing], low: known[0]!, high: known.at(-1)! }
}

/** One distribution a feature, in vector order. */
export const featureReferences = (data: Pick<Dataset, 'rows' | 'columns' | 'values'>, names: readonly string[]): ReferenceDistribution[] =>
  names.map((name, feature) =>
    referenceDistribution(
      name,
      Float32Array.from({ length: data.rows }, (_, row) => data.values[row * data.columns + feature]!),
    ),
  )
