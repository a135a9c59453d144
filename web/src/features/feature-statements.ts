/** The statements of one feature. Places are counted from 1, as ClickHouse counts. */
import { text } from '../api/sql-literal.ts'

/** Parts of a model's manifest that say how its training saw a feature. */
export interface Reference {
  readonly reference?: readonly { readonly feature: string; readonly edges: readonly number[]; readonly shares: readonly number[] }[]
  readonly reasonGroups?: readonly { readonly group: string; readonly text: string; readonly features: readonly string[] }[]
  readonly monotone?: Readonly<Record<string, 1 | -1>>
}

export const referenceStatement = `SELECT manifest FROM models FINAL ORDER BY has(aliases, 'champion') DESC, recorded_at DESC LIMIT 1`

export interface WeightRow {
  readonly decision: string
  readonly n: number
  readonly missing: number
  readonly median: number | null
  readonly weight: number
  readonly mean: number
}

export const weightStatement = (featureSetHash: string, place: number): string => `SELECT
    decision,
    count() AS n,
    avg(isNaN(features[${place}])) AS missing,
    quantileExactIf(0.5)(features[${place}], NOT isNaN(features[${place}])) AS median,
    avg(abs(attributions[${place}])) AS weight,
    avg(attributions[${place}]) AS mean
FROM decisions_latest
WHERE feature_set_hash = ${text(featureSetHash)}
GROUP BY decision
ORDER BY decision`

export interface BinRow {
  /** From 0; the bin behind the last holds the missing. */
  readonly bin: number
  readonly n: number
}

/** A value on an edge belongs to the bin above it, as in the reference. */
export const binsStatement = (featureSetHash: string, place: number, edges: readonly number[]): string => `SELECT
    if(isNaN(features[${place}]), ${edges.length + 1}, arrayCount(edge -> features[${place}] >= edge, CAST([${edges.join(', ')}] AS Array(Float64)))) AS bin,
    count() AS n
FROM decisions_latest
WHERE feature_set_hash = ${text(featureSetHash)}
GROUP BY bin
ORDER BY bin`
