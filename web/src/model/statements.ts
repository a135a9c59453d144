/** The statements of the model view. */
import { text } from '../api/sql-literal.ts'
import { fixed, percent, whole } from '../parts/format.ts'
import type { Metric } from './published-model.ts'

export interface QualityRow {
  readonly n: number
  readonly bad: number
  readonly bad_rate: number
  readonly mean_probability: number
  readonly auc: number
  readonly gini: number
  readonly ks: number | null
  readonly brier: number
}

export const qualityStatement = (modelVersion: string): string => `SELECT n, bad, bad_rate, mean_probability, auc, gini, ks, brier
FROM holdout_quality
WHERE model_version = ${text(modelVersion)}`

export const comparisons = (
  now: QualityRow,
  before: Readonly<Record<string, Metric>>,
): readonly { readonly name: string; readonly now: string; readonly before: string }[] => {
  const evaluated = (key: string): string =>
    before[key] === undefined ? '–' : `${fixed(before[key].value, 4)} (${fixed(before[key].low, 3)} to ${fixed(before[key].high, 3)})`
  return [
    { name: 'Decisions with a matured outcome', now: whole(now.n), before: '–' },
    { name: 'Bad', now: percent(now.bad_rate, 2), before: '–' },
    { name: 'Expected bad', now: percent(now.mean_probability, 2), before: '–' },
    { name: 'Area under the ROC curve', now: fixed(now.auc, 4), before: evaluated('auc') },
    { name: 'Gini', now: fixed(now.gini, 4), before: evaluated('gini') },
    { name: 'Kolmogorov–Smirnov', now: now.ks === null ? '–' : fixed(now.ks, 4), before: evaluated('ks') },
    { name: 'Brier score', now: fixed(now.brier, 4), before: evaluated('brier') },
  ]
}

/** Bins of a fifth of a percentage point: an area from them differs from the exact one in the fifth digit. */
export const binsStatement = (modelVersion: string): string => `SELECT
    toUInt16(floor(probability * 500)) AS bin,
    count() AS n,
    countIf(label = 1) AS bad,
    sum(probability) AS expected
FROM decisions_with_outcomes
WHERE in_training = 0 AND matured AND model_version = ${text(modelVersion)}
GROUP BY bin
ORDER BY bin`

export interface ImportanceRow {
  readonly feature: string
  readonly description: string
  readonly weight: number
  readonly mean: number
  readonly missing: number
}

export const importanceStatement = (modelVersion: string, featureSetHash: string): string => `SELECT
    f.feature AS feature,
    f.description AS description,
    w.weight AS weight,
    w.mean AS mean,
    w.missing AS missing
FROM
(
    SELECT position, weight, mean, missing
    FROM
    (
        SELECT
            avgForEach(arrayMap(a -> abs(toFloat64(a)), attributions)) AS weights,
            avgForEach(arrayMap(a -> toFloat64(a), attributions)) AS means,
            avgForEach(arrayMap(v -> toUInt8(isNaN(v)), features)) AS missings
        FROM decisions_latest
        WHERE model_version = ${text(modelVersion)} AND notEmpty(attributions)
    )
    ARRAY JOIN weights AS weight, means AS mean, missings AS missing, arrayEnumerate(weights) AS position
) AS w
INNER JOIN (SELECT position, feature, description FROM feature_dictionary FINAL WHERE feature_set_hash = ${text(featureSetHash)}) AS f ON f.position = w.position
ORDER BY weight DESC`

export interface PromotionRow {
  readonly promoted_at: string
  readonly alias: string
  readonly version: string
  readonly previous_version: string | null
  readonly actor: string
  readonly reason: string
}

export const PROMOTIONS = `SELECT promoted_at, alias, version, previous_version, actor, reason
FROM promotions FINAL
ORDER BY promoted_at DESC
LIMIT 20`

export interface GateRow {
  readonly judged_at: string
  readonly against: string | null
  readonly gate: string
  readonly state: 'passed' | 'failed' | 'insufficient-evidence'
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly threshold: number | null
  readonly detail: string
}

/** The gates of the newest time that a version was judged. */
export const gatesStatement = (
  name: string,
  version: string,
): string => `SELECT judged_at, against, gate, state, value, low, high, threshold, detail
FROM gates FINAL
WHERE name = ${text(name)} AND version = ${text(version)}
  AND judged_at = (SELECT max(judged_at) FROM gates WHERE name = ${text(name)} AND version = ${text(version)})
ORDER BY indexOf(['failed', 'insufficient-evidence', 'passed'], state), gate`
