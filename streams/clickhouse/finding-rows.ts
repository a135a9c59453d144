/** Writes what monitoring found. Rows carry their identity, so that writing them again changes nothing. */
import type { Alert, AlertJudgement } from '#schemas/monitoring-events.ts'
import { clickhouseInstant } from './facts.ts'
import type { RowWriter } from './ports.ts'

export type FindingTable = 'drift' | 'data_quality' | 'slo' | 'fairness' | 'performance'

/** A row by its columns' names; its window in milliseconds since the epoch. */
interface WindowedRow {
  readonly window_start: number
  readonly window_end: number
}

export const insertFindings = (inserter: RowWriter, table: FindingTable, rows: readonly WindowedRow[]): Promise<void> =>
  inserter.insertObjects(
    table,
    rows.map((row) => ({ ...row, window_start: clickhouseInstant(row.window_start), window_end: clickhouseInstant(row.window_end) })),
  )

export const insertAlerts = (inserter: RowWriter, alerts: readonly Alert[]): Promise<void> =>
  inserter.insertObjects(
    'alerts',
    alerts.map((alert) => ({
      alert_id: alert.alertId,
      state: alert.state,
      kind: alert.kind,
      cause: alert.cause,
      severity: alert.severity,
      raised_at: clickhouseInstant(alert.raisedAt),
      window_start: clickhouseInstant(alert.windowStart),
      window_end: clickhouseInstant(alert.windowEnd),
      subject: alert.subject,
      producer: alert.producer,
      event_kind: alert.eventKind,
      field: alert.field,
      model_version: alert.modelVersion,
      segment: alert.segment,
      features: alert.features,
      metric: alert.metric,
      value: alert.value,
      threshold: alert.threshold,
      p_value: alert.pValue,
      n: alert.n,
      blocks_retraining: alert.blocksRetraining,
      detail: alert.detail,
    })),
  )

export const insertJudgements = (inserter: RowWriter, judgements: readonly AlertJudgement[]): Promise<void> =>
  inserter.insertObjects(
    'alert_judgements',
    judgements.map(({ judgementId, alertId, verdict, judgedAt, mutedUntil, actor, reason }) => ({
      judgement_id: judgementId,
      alert_id: alertId,
      verdict,
      judged_at: clickhouseInstant(judgedAt),
      muted_until: mutedUntil === null ? null : clickhouseInstant(mutedUntil),
      actor,
      reason,
    })),
  )
