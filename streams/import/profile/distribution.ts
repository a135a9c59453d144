/** How a column's sampled values are spread: bins for numbers, the commonest values for everything else. */
import type { ColumnProfile } from './table-profile.ts'

/** Bars of a chart. */
const BINS = 24
const VALUES_SHOWN = 8
/** Quantile bins that drift is measured over, as is usual for the index. */
const DRIFT_BINS = 10

export interface Bin {
  readonly label: string
  readonly count: number
}

/** Values that are numbers, ascending. */
export const sorted = ({ values }: ColumnProfile): Float64Array => values.filter((value) => !Number.isNaN(value)).toSorted()

/** Quantile `share` in [0, 1] of ascending values, by linear interpolation; NaN where there are none. */
export const quantile = (ascending: Float64Array, share: number): number => {
  if (ascending.length === 0) return Number.NaN
  const at = share * (ascending.length - 1)
  const low = ascending[Math.floor(at)]!
  return low + (ascending[Math.ceil(at)]! - low) * (at - Math.floor(at))
}

const short = (value: number): string => String(Number(value.toPrecision(4)))

/** Equal widths between the 1st and the 99th percentile, what lies beyond counted into the outermost: outliers would flatten everything else. */
export const histogram = (column: ColumnProfile): readonly Bin[] => {
  const ascending = sorted(column)
  const [low, high] = [quantile(ascending, 0.01), quantile(ascending, 0.99)]
  if (Number.isNaN(low)) return []
  if (low === high) return [{ label: short(low), count: ascending.length }]
  const counts = Array.from({ length: BINS }, () => 0)
  for (const value of ascending) {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * BINS)))
    counts[bin] = counts[bin]! + 1
  }
  const edge = (bin: number): number => low + ((high - low) * bin) / BINS
  return counts.map((count, bin) => ({ label: `${short(edge(bin))} to ${short(edge(bin + 1))}`, count }))
}

const countsOf = (texts: readonly (string | null)[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

/** The commonest values, commonest first, and one bin for the rest. */
export const commonest = ({ texts }: ColumnProfile): readonly Bin[] => {
  const all = [...countsOf(texts)]
    .map(([label, count]) => ({ label, count }))
    .toSorted((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1))
  const rest = all.slice(VALUES_SHOWN)
  const others = { label: `${rest.length} others`, count: rest.reduce((sum, { count }) => sum + count, 0) }
  return [...all.slice(0, VALUES_SHOWN), ...(rest.length > 0 ? [others] : [])]
}

/** Counts of the same bins, missing included, of a reference and of what is compared with it; undefined where they have nothing in common. */
export const comparable = (reference: ColumnProfile, column: ColumnProfile): readonly [number[], number[]] | undefined => {
  if (reference.type === 'empty' || reference.type === 'text' || column.type === 'text') return undefined
  if (reference.type === 'number' && column.type === 'number') {
    const ascending = sorted(reference)
    const edges = [...new Set(Array.from({ length: DRIFT_BINS - 1 }, (_, at) => quantile(ascending, (at + 1) / DRIFT_BINS)))]
    const count = ({ values }: ColumnProfile): number[] => {
      const counts = Array.from({ length: edges.length + 2 }, () => 0)
      for (const value of values) {
        const above = edges.findIndex((edge) => value <= edge)
        const bin = Number.isNaN(value) ? edges.length + 1 : above < 0 ? edges.length : above
        counts[bin] = counts[bin]! + 1
      }
      return counts
    }
    return [count(reference), count(column)]
  }
  const [before, now] = [countsOf(reference.texts), countsOf(column.texts)]
  const labels = [...new Set([...before.keys(), ...now.keys()])]
  const count = (counts: Map<string, number>, { texts }: ColumnProfile): number[] => [
    ...labels.map((label) => counts.get(label) ?? 0),
    texts.filter((text) => text === null).length,
  ]
  return [count(before, reference), count(now, column)]
}

/** Pearson's correlation of two columns over the sampled rows that have both; NaN where fewer than 30 have, or one does not vary. */
export const correlation = (a: Float64Array, b: Float64Array): number => {
  let [n, meanA, meanB, squaresA, squaresB, products] = [0, 0, 0, 0, 0, 0]
  for (let row = 0; row < a.length; row++) {
    const [x, y] = [a[row]!, b[row]!]
    if (Number.isNaN(x) || Number.isNaN(y)) continue
    n++
    const [dx, dy] = [x - meanA, y - meanB]
    meanA += dx / n
    meanB += dy / n
    squaresA += dx * (x - meanA)
    squaresB += dy * (y - meanB)
    products += dx * (y - meanB)
  }
  return n < 30 || squaresA === 0 || squaresB === 0 ? Number.NaN : products / Math.sqrt(squaresA * squaresB)
}
