/** How far the counts of one window are from those of a reference, name by name. */
import { jensenShannonDistance } from '../statistics/divergence.ts'
import { ksPValueAsymptotic, ksStatisticOfCounts } from '../statistics/kolmogorov-smirnov.ts'
import { occupiedBins, populationStability, populationStabilityPValue } from '../statistics/population-stability.ts'
import type { BinLayout } from './bin-layout.ts'

export interface Counted {
  n: number
  readonly counts: Float64Array
}

export const noneCounted = (layout: BinLayout): Counted => ({ n: 0, counts: new Float64Array(layout.reference.length) })

export interface Shift {
  readonly feature: string
  readonly psi: number
  readonly pValue: number
}

/** PSI of every name, missing and never-seen bins included. Both sides need observations. */
export const shiftsOf = (layout: BinLayout, reference: Counted, window: Counted): Shift[] =>
  layout.names.map((feature, at) => {
    const [from, to] = [layout.first[at]!, layout.first[at + 1]!]
    const [p, q] = [reference.counts.subarray(from, to), window.counts.subarray(from, to)]
    const psi = populationStability(p, q)
    return { feature, psi, pValue: populationStabilityPValue(psi, occupiedBins(p, q), window.n, reference.n) }
  })

export interface Distances {
  readonly ks: number
  readonly ksPValue: number
  readonly jensenShannon: number
  readonly missing: number
  readonly missingReference: number
  readonly outside: number
}

/** The other metrics of one name. KS compares known values only and is 0 where either side has none. */
export const distancesOf = (layout: BinLayout, at: number, reference: Counted, window: Counted): Distances => {
  const [from, to] = [layout.first[at]!, layout.first[at + 1]!]
  const [p, q] = [reference.counts.subarray(from, to), window.counts.subarray(from, to)]
  const known = q.length - 1
  const [knownReference, knownWindow] = [reference.n - p[known]!, window.n - q[known]!]
  const ks = ksStatisticOfCounts(p.subarray(0, known), q.subarray(0, known))
  return {
    ks,
    ksPValue: ks === 0 ? 1 : ksPValueAsymptotic(ks, knownWindow, knownReference),
    jensenShannon: jensenShannonDistance(p, q),
    missing: q[known]! / window.n,
    missingReference: p[known]! / reference.n,
    outside: (q[0]! + q[known - 1]!) / window.n,
  }
}
