/** The statements of the health view. The monitors write each finding possibly more than once: FINAL reads it once. */
import { text } from '../api/sql-literal.ts'

/** Which tables there are: monitors may be off. */
export const TABLES = `SELECT name FROM system.tables WHERE database = 'scorestream' AND name IN ('alerts', 'data_quality', 'drift', 'fairness', 'performance', 'slo')`

export interface DriftRow {
  readonly feature: string
  readonly window_end: string
  readonly value: number
  readonly threshold: number
  readonly p_value: number | null
  readonly n: number
  readonly alert: boolean
}

/** Windows shown side by side. */
const WINDOWS_MAX = 30

/** The last windows of every feature and of the score, over the whole portfolio. */
export const driftStatement = (
  metric: string,
): string => `SELECT feature, window_end, max(d.value) AS value, max(d.threshold) AS threshold, min(d.p_value) AS p_value, max(d.n) AS n, max(d.alert) AS alert
FROM drift AS d FINAL
WHERE metric = ${text(metric)} AND segment = 'all'
    AND window_end IN (SELECT DISTINCT window_end FROM drift WHERE metric = ${text(metric)} ORDER BY window_end DESC LIMIT ${WINDOWS_MAX})
GROUP BY feature, window_end
ORDER BY feature, window_end`

export const DRIFT_METRICS = `SELECT metric, count() AS n FROM drift GROUP BY metric ORDER BY metric = 'psi' DESC, metric`

export interface FairnessRow {
  readonly attribute: string
  readonly metric: string
  readonly group: string
  readonly reference_group: string
  readonly window_end: string
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly n: number
  readonly state: 'ok' | 'violation' | 'insufficient-evidence'
}

/** The newest window in which anything could be judged; the newest of all where none could. Violations first, what lacks evidence last. */
export const FAIRNESS = `SELECT attribute, metric, \`group\`, reference_group, window_end, value, low, high, n, state
FROM fairness FINAL
WHERE (model_version, window_end) IN (
    SELECT model_version, window_end FROM fairness FINAL GROUP BY model_version, window_end
    ORDER BY countIf(state != 'insufficient-evidence') > 0 DESC, window_end DESC LIMIT 1)
ORDER BY indexOf(['violation', 'ok'], state) = 0, state = 'ok', attribute, metric, n DESC`

export const fairnessOverTime = (
  attribute: string,
  metric: string,
): string => `SELECT toUnixTimestamp(window_end) AS second, \`group\`, avg(f.value) AS value
FROM fairness AS f FINAL
WHERE attribute = ${text(attribute)} AND metric = ${text(metric)} AND f.value IS NOT NULL
GROUP BY second, \`group\`
ORDER BY second`

export interface SeriesRow {
  readonly second: number
  readonly name: string
  readonly value: number
  readonly low: number | null
  readonly high: number | null
}

export const performanceStatement = (
  metric: string,
): string => `SELECT toUnixTimestamp(window_end) AS second, model_version AS name, avg(value) AS value, avg(low) AS low, avg(high) AS high
FROM performance FINAL
WHERE segment = 'all' AND metric = ${text(metric)}
GROUP BY second, name
ORDER BY second`

export const PERFORMANCE_METRICS = `SELECT metric, count() AS n FROM performance GROUP BY metric ORDER BY metric = 'auc' DESC, metric`

export interface SloRow {
  readonly second: number
  readonly objective: string
  readonly target: number
  readonly good: number
  readonly total: number
  readonly burn_rate: number
  readonly alert: boolean
}

export const SLO = `SELECT toUnixTimestamp(window_end) AS second, objective, target, good, total, burn_rate, alert
FROM slo FINAL
WHERE window_end > (SELECT max(window_end) FROM slo) - INTERVAL 1 DAY
ORDER BY second`

export interface AlertRow {
  readonly raised_at: string
  readonly state: string
  readonly kind: string
  readonly severity: string
  readonly subject: string
  readonly metric: string
  readonly value: number
  readonly threshold: number
  readonly detail: string
  readonly features: readonly string[]
  /** `verdict by actor: reason`, oldest first. */
  readonly judgements: readonly string[]
}

// Columns are named with their table wherever a result has the same name: an alias would be meant otherwise.
export const ALERTS = `SELECT
    min(a.raised_at) AS raised_at,
    if(countIf(a.state = 'resolved') > 0, 'resolved', 'open') AS state,
    any(a.kind) AS kind, any(a.severity) AS severity, any(a.subject) AS subject, any(a.metric) AS metric,
    any(a.value) AS value, any(a.threshold) AS threshold, argMin(a.detail, a.raised_at) AS detail, any(a.features) AS features,
    any(j.judgements) AS judgements
FROM alerts AS a FINAL
LEFT JOIN (
    SELECT alert_id, arrayMap(one -> one.2, arraySort(groupArray((judged_at, concat(verdict, ' by ', actor, ': ', reason))))) AS judgements
    FROM alert_judgements FINAL GROUP BY alert_id
) AS j ON j.alert_id = a.alert_id
GROUP BY a.alert_id
ORDER BY state = 'open' DESC, raised_at DESC
LIMIT 50`

export interface QualityRow {
  readonly producer: string
  readonly kind: string
  readonly field: string
  readonly metric: string
  readonly value: number
  readonly baseline: number
  readonly threshold: number
  readonly n: number
  readonly alert: boolean
  readonly window_end: string
}

export const QUALITY = `SELECT q.producer AS producer, q.kind AS kind, q.field AS field, q.metric AS metric,
    argMax(q.value, q.window_end) AS value, argMax(q.baseline, q.window_end) AS baseline, argMax(q.threshold, q.window_end) AS threshold,
    argMax(q.n, q.window_end) AS n, argMax(q.alert, q.window_end) AS alert, max(q.window_end) AS window_end
FROM data_quality AS q FINAL
GROUP BY q.producer, q.kind, q.field, q.metric
ORDER BY alert DESC, abs(value - baseline) / threshold DESC
LIMIT 40`
