/** One measured figure beside its peer in the same run; what `npm run bench -- --json FILE` writes. */
export interface BenchRow {
  readonly name: string
  /** Median over the alternating runs. */
  readonly value: number
  readonly unit: string
  /** What it is compared with; null where the figure stands alone against a stated bound. */
  readonly peer: string | null
  readonly peerValue: number | null
  /** How many times better than the peer: above 1 is ahead, whichever way the unit points. */
  readonly ratio: number | null
  /** Machine, data, durability, exclusions, and what the figure does not show. */
  readonly conditions: string
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
