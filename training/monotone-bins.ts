/** Bins of one feature whose bad rate only rises or only falls: what a scorecard may show to a person. */
import { quantile } from './metrics/bootstrap.ts'
import { optimalBins } from './optimal-bins.ts'
import { informationValue, weightOfEvidence } from './weight-of-evidence.ts'

/** `x` falls into the first bin i with x <= edges[i], else into the last; NaN into the missing bin. */
export interface BinnedFeature {
  /** Ascending float32 values, one fewer than bins. */
  readonly edges: readonly number[]
  /** Weight of evidence a bin, positive = safer. */
  readonly woe: readonly number[]
  /** Weight of evidence of a missing value; 0 (neutral) where too few were missing to say. */
  readonly missingWoe: number
  readonly informationValue: number
  /** Training rows in each bin, and those missing. */
  readonly rows: readonly number[]
  readonly missingRows: number
}

interface Bin {
  readonly edge: number
  readonly goods: number
  readonly bads: number
}

/**
 * How fine bins become few: `merged` until neighbours differ significantly, or joined so that the information value is the greatest that monotone
 * bins can have.
 */
export type Binning = 'merged' | 'optimal'

/** Fine bins before merging. Twenty, because each final bin must hold at least a twentieth of the rows. */
const FINE_BINS = 20
const SHARE_MIN = 0.05
/** A bin (missing ones too) needs this many of each outcome for its logarithm to mean anything. */
const OUTCOMES_MIN = 10
/** Neighbours whose bad rates differ by less than this χ² (1 degree of freedom, 5 %) are one bin. */
const CHI_SQUARE_MIN = 3.841
const BINS_MAX = 8

const sizeOf = (bin: Bin): number => bin.goods + bin.bads
const badRateOf = (bin: Bin): number => bin.bads / sizeOf(bin)
const join = (a: Bin, b: Bin): Bin => ({ edge: b.edge, goods: a.goods + b.goods, bads: a.bads + b.bads })

/** χ² of the two-by-two table of neighbours against outcome. */
const chiSquare = (a: Bin, b: Bin): number => {
  const all = join(a, b)
  const spread = a.goods * b.bads - b.goods * a.bads
  return (sizeOf(all) * spread ** 2) / (sizeOf(a) * sizeOf(b) * Math.max(all.goods, 1) * Math.max(all.bads, 1))
}

const mergeAt = (bins: readonly Bin[], index: number): Bin[] => [
  ...bins.slice(0, index),
  join(bins[index]!, bins[index + 1]!),
  ...bins.slice(index + 2),
]

const fineBins = (values: Float32Array, labels: Uint8Array): Bin[] => {
  const sorted = values.toSorted()
  const cuts = new Set<number>()
  for (let cut = 1; cut < FINE_BINS; cut++) cuts.add(Math.fround(quantile(sorted, cut / FINE_BINS)))
  const edges = [...cuts].filter((edge) => edge < sorted.at(-1)!).toSorted((a, b) => a - b)
  const counts = Array.from({ length: edges.length + 1 }, () => [0, 0])
  values.forEach((value, row) => counts[binOf(edges, value)]![labels[row]!]!++)
  return counts.map(([goods = 0, bads = 0], bin) => ({ edge: edges[bin] ?? Infinity, goods, bads }))
}

/** Index of the bin a value falls into. */
export const binOf = (edges: readonly number[], value: number): number => {
  const found = edges.findIndex((edge) => value <= edge)
  return found === -1 ? edges.length : found
}

/** Merges the smallest bin into its more similar neighbour until all are large enough. */
const mergeSmall = (given: readonly Bin[], sizeMin: number): Bin[] => {
  let bins = [...given]
  for (;;) {
    const small = bins.findIndex((bin) => sizeOf(bin) < sizeMin || bin.goods < OUTCOMES_MIN || bin.bads < OUTCOMES_MIN)
    if (small === -1 || bins.length === 1) return bins
    const before = small > 0 ? chiSquare(bins[small - 1]!, bins[small]!) : Infinity
    const after = small + 1 < bins.length ? chiSquare(bins[small]!, bins[small + 1]!) : Infinity
    bins = mergeAt(bins, before < after ? small - 1 : small)
  }
}

/** Pool-adjacent-violators: bad rate rises with the feature (`direction` 1) or falls (−1). */
const pool = (bins: readonly Bin[], direction: 1 | -1): Bin[] => {
  const pooled: Bin[] = []
  for (const bin of bins) {
    pooled.push(bin)
    while (pooled.length > 1 && direction * (badRateOf(pooled.at(-1)!) - badRateOf(pooled.at(-2)!)) <= 0) {
      const last = pooled.pop()!
      pooled.push(join(pooled.pop()!, last))
    }
  }
  return pooled
}

/** Merges the most alike neighbours until all differ significantly and there are few enough. */
const mergeAlike = (given: readonly Bin[]): Bin[] => {
  let bins = [...given]
  while (bins.length > 1) {
    const differences = bins.slice(1).map((bin, index) => chiSquare(bins[index]!, bin))
    const least = Math.min(...differences)
    if (least >= CHI_SQUARE_MIN && bins.length <= BINS_MAX) break
    bins = mergeAt(bins, differences.indexOf(least))
  }
  return bins
}

const separation = (bins: readonly Bin[]): number =>
  informationValue(
    bins.map((bin) => bin.goods),
    bins.map((bin) => bin.bads),
  )

/** Pooled and merged step by step: each step is the best of its moment. */
const mergedBins = (fine: readonly Bin[], rows: number, direction: 1 | -1): Bin[] =>
  mergeAlike(pool(mergeSmall(fine, rows * SHARE_MIN), direction))

/** The best of all partitions; one bin where none keeps the limits. */
const bestBins = (fine: readonly Bin[], rows: number, direction: 1 | -1): Bin[] => {
  const limits = { rowsMin: rows * SHARE_MIN, outcomesMin: OUTCOMES_MIN, binsMax: BINS_MAX }
  const all = fine.reduce(join)
  const ends = optimalBins(fine, all, direction, limits) ?? [fine.length - 1]
  return ends.map((end, bin) => fine.slice((ends[bin - 1] ?? -1) + 1, end + 1).reduce(join))
}

/**
 * Quantile bins joined until each holds 5 % of the rows and the bad rate is monotone (in `direction` where credit sense demands one, else in the
 * one that keeps more information): merged, neighbours differ at the 5 % level as well. `null` where nothing is left to tell apart.
 */
export const monotoneBins = (
  values: Float32Array,
  labels: Uint8Array,
  direction?: 1 | -1,
  binning: Binning = 'merged',
): BinnedFeature | null => {
  const known = Int32Array.from(values.keys().filter((row) => !Number.isNaN(values[row]!)))
  if (known.length < values.length * SHARE_MIN) return null
  const knownLabels = Uint8Array.from(known, (row) => labels[row]!)
  const fine = fineBins(
    Float32Array.from(known, (row) => values[row]!),
    knownLabels,
  )
  const binsIn = binning === 'merged' ? mergedBins : bestBins
  const shapes = (direction === undefined ? ([1, -1] as const) : [direction]).map((sign) => binsIn(fine, values.length, sign))
  const bins = shapes.toSorted((a, b) => separation(b) - separation(a))[0]!
  return describe(bins, missingBin(labels, knownLabels), values.length - known.length)
}

const missingBin = (labels: Uint8Array, knownLabels: Uint8Array): Bin | null => {
  const count = labels.length - knownLabels.length
  const bads = labels.reduce((sum, label) => sum + label, 0) - knownLabels.reduce((sum, label) => sum + label, 0)
  return bads < OUTCOMES_MIN || count - bads < OUTCOMES_MIN ? null : { edge: Number.NaN, goods: count - bads, bads }
}

const describe = (bins: readonly Bin[], missing: Bin | null, missingRows: number): BinnedFeature | null => {
  const all = missing === null ? bins : [...bins, missing]
  if (all.length < 2) return null
  const woe = weightOfEvidence(
    all.map((bin) => bin.goods),
    all.map((bin) => bin.bads),
  )
  return {
    edges: bins.slice(0, -1).map((bin) => bin.edge),
    woe: [...woe.subarray(0, bins.length)],
    missingWoe: missing === null ? 0 : woe[bins.length]!,
    informationValue: separation(all),
    rows: bins.map(sizeOf),
    missingRows,
  }
}

/** Weight of evidence of one value. */
export const woeOf = (bins: BinnedFeature, value: number): number =>
  Number.isNaN(value) ? bins.missingWoe : bins.woe[binOf(bins.edges, value)]!
