/** What one stretch of the fold found: rows for the tables, alerts and requests for the topics. */
import type { Alert, AlertJudgement, RetrainRequested } from '#schemas/monitoring-events.ts'
import type { DriftRow, QualityRow, SloRow } from './rows.ts'

export interface Findings {
  readonly drift: DriftRow[]
  readonly quality: QualityRow[]
  readonly slo: SloRow[]
  readonly alerts: Alert[]
  readonly requests: RetrainRequested[]
  readonly judgements: AlertJudgement[]
}

export const noFindings = (): Findings => ({ drift: [], quality: [], slo: [], alerts: [], requests: [], judgements: [] })
