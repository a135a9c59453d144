/** Spearman's rank correlation of all pairs of features, and what repeats what. */
import { midranks } from '../metrics/auc.ts'

/** Ranks less their mean, scaled to length 1; all 0 where nothing varies. */
const standardRanks = (values: Float32Array): Float64Array => {
  // A missing value is a place of its own, below all others: two features missing together say the same there.
  const ranks = midranks(values.map((value) => (Number.isNaN(value) ? -Infinity : value)))
  const mean = (values.length + 1) / 2
  const length = Math.sqrt(ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0))
  return ranks.map((rank) => (length > 0 ? (rank - mean) / length : 0))
}

/** correlations[i][j] in [−1, 1] of the given columns; 0 with a constant one. */
export const rankCorrelations = (columns: readonly Float32Array[]): Float64Array[] => {
  const ranks = columns.map(standardRanks)
  return ranks.map((a) => Float64Array.from(ranks, (b) => a.reduce((sum, value, row) => sum + value * b[row]!, 0)))
}

/**
 * Cluster of each feature, named by its leader's index: features in order of worth, each joining the first leader it correlates with at least `least`, else leading
 * a cluster of its own. So no cluster is a chain, and every member can be spared for its leader.
 */
export const leaderClusters = (correlations: readonly Float64Array[], worth: ArrayLike<number>, least: number): Int32Array => {
  const order = correlations.map((_, feature) => feature).toSorted((a, b) => worth[b]! - worth[a]! || a - b)
  const leaders: number[] = []
  const leaderOf = new Int32Array(correlations.length)
  for (const feature of order) {
    const leader = leaders.find((other) => Math.abs(correlations[other]![feature]!) >= least)
    if (leader === undefined) leaders.push(feature)
    leaderOf[feature] = leader ?? feature
  }
  return leaderOf
}
