/** What the features of a decision mean: names, units, groups of reasons, and where their values stand in the portfolio. */
import { askRows } from '../api/sql.ts'
import { text } from '../api/sql-literal.ts'
import type { Capsule } from '../api/types.ts'
import { money, percent, significant } from '../parts/format.ts'

export interface FeatureFact {
  readonly feature: string
  readonly description: string
  readonly unit: string
  readonly kind: string
  readonly window: string
}

interface ReasonGroup {
  readonly code: string
  readonly group: string
  readonly text: string
  readonly features: readonly string[]
}

export interface ModelFacts {
  readonly reasonGroups: readonly ReasonGroup[]
  /** Platt's map; null where the model calibrates in another way. */
  readonly platt: { readonly slope: number; readonly intercept: number } | null
  /** Points that double the odds. */
  readonly pdo: number
}

export const dictionaryStatement = (featureSetHash: string): string =>
  `SELECT feature, description, unit, kind, window
FROM feature_dictionary FINAL
WHERE feature_set_hash = ${text(featureSetHash)}
ORDER BY position`

export const loadDictionary = (featureSetHash: string, signal: AbortSignal): Promise<FeatureFact[]> =>
  askRows<FeatureFact>(dictionaryStatement(featureSetHash), signal)

interface ManifestParts {
  readonly reasonGroups?: readonly ReasonGroup[]
  readonly calibration?: { readonly kind: string; readonly slope?: number; readonly intercept?: number }
  readonly points?: { readonly pdo: number }
}

/** Undefined where the warehouse does not know the model (yet). */
export const loadModelFacts = async (modelVersion: string, signal: AbortSignal): Promise<ModelFacts | undefined> => {
  const [row] = await askRows<{ manifest: string }>(
    `SELECT manifest FROM models FINAL WHERE model_version = ${text(modelVersion)} LIMIT 1`,
    signal,
  )
  if (row === undefined) return undefined
  const { reasonGroups = [], calibration, points } = JSON.parse(row.manifest) as ManifestParts
  const platt = calibration?.kind === 'platt' ? { slope: calibration.slope ?? 1, intercept: calibration.intercept ?? 0 } : null
  return { reasonGroups, platt, pdo: points?.pdo ?? 20 }
}

/** Of one feature among all decisions under the same feature set. */
export interface Standing {
  /** Share of the portfolio's values below this one, ties counted half; null where the value is missing. */
  readonly percentile: number | null
  /** Share of decisions in which the feature was missing. */
  readonly missing: number
}

const numberText = (value: number | null): string => (value === null ? 'nan' : String(value))

export const standingStatement = ({ vector, featureSetHash }: Capsule['body']): string =>
  `WITH [${vector.map(numberText).join(', ')}] AS own
SELECT
    count() AS n,
    sumForEach(arrayMap((value, mine) -> toUInt32(value < mine), features, own)) AS below,
    sumForEach(arrayMap((value, mine) -> toUInt32(value = mine), features, own)) AS equal,
    sumForEach(arrayMap(value -> toUInt32(isNaN(value)), features)) AS missing
FROM decisions_latest
WHERE feature_set_hash = ${text(featureSetHash)}`

export const loadStandings = async (body: Capsule['body'], signal: AbortSignal): Promise<Standing[]> => {
  const [row] = await askRows<{ n: number; below: number[]; equal: number[]; missing: number[] }>(standingStatement(body), signal)
  return body.vector.map((value, i) => {
    const missing = row?.missing[i] ?? 0
    const present = (row?.n ?? 0) - missing
    const percentile = value === null || present === 0 ? null : ((row?.below[i] ?? 0) + (row?.equal[i] ?? 0) / 2) / present
    return { percentile, missing: row === undefined || row.n === 0 ? 0 : missing / row.n }
  })
}

/** `months late` → `month late`, `events in a row` → `event in a row`: what is counted stands first. */
const singular = (unit: string): string => unit.replace(/^([a-z]+)s\b/, '$1')

/** A value with its unit, as people write it. */
export const valueText = (value: number | null, unit: string, currency: string): string => {
  if (value === null) return 'missing'
  if (unit === 'minor currency units') return money(value, currency)
  if (unit === 'minor currency units per month') return `${money(value, currency)} a month`
  if (unit === 'share of limit') return `${percent(value)} of limit`
  return unit === 'ratio' || unit === '' ? significant(value) : `${significant(value)} ${value === 1 ? singular(unit) : unit}`
}
