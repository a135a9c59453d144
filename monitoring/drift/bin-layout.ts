/** All bins of all features of a model, and of its score, side by side in one array of counters. */
import type { ModelReference, ReferenceDistribution } from './reference.ts'

/** Per feature: below the reference, its k + 1 bins, above the reference, missing. */
const BINS_BESIDE = 3

export interface BinLayout {
  /** Features in vector order, then "score". */
  readonly names: readonly string[]
  /** First counter of each name; one more entry than names, the last being the number of counters. */
  readonly first: Int32Array
  readonly edges: readonly Float64Array[]
  readonly low: Float64Array
  readonly high: Float64Array
  /** Counts of the reference. */
  readonly reference: Float64Array
  readonly rows: number
}

export const binLayout = ({ features, score, rows }: ModelReference): BinLayout => {
  const all = [...features, { ...score, feature: 'score' }]
  const first = new Int32Array(all.length + 1)
  for (const [at, { edges }] of all.entries()) first[at + 1] = first[at]! + edges.length + 1 + BINS_BESIDE
  const reference = new Float64Array(first.at(-1)!)
  for (const [at, one] of all.entries()) reference.set(countsOf(one, rows), first[at])
  return {
    names: all.map(({ feature }) => feature),
    first,
    edges: all.map(({ edges }) => Float64Array.from(edges)),
    low: Float64Array.from(all, ({ low }) => low ?? -Infinity),
    high: Float64Array.from(all, ({ high }) => high ?? Infinity),
    reference,
    rows,
  }
}

const countsOf = ({ feature, edges, shares }: ReferenceDistribution, rows: number): number[] => {
  if (shares.length !== edges.length + 2)
    throw new RangeError(`the reference of ${feature} has ${edges.length} edges and ${shares.length} shares; it needs ${edges.length + 2}`)
  const counts = shares.map((part) => Math.round(part * rows))
  return [0, ...counts.slice(0, -1), 0, counts.at(-1)!]
}

/** Counter of value `value` of name `at`; NaN is missing. */
export const binOf = ({ first, edges, low, high }: BinLayout, at: number, value: number): number => {
  // Plain statements: seventy features of every decision pass here.
  const start = first[at]!
  const own = edges[at]!
  if (Number.isNaN(value)) return start + own.length + 3
  if (value < low[at]!) return start
  if (value > high[at]!) return start + own.length + 2
  let from = 0
  let to = own.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (value <= own[middle]!) to = middle
    else from = middle + 1
  }
  return start + 1 + from
}
