/** Alerts with what people made of them, from the warehouse. */
import type { Ask } from '../ask-warehouse.ts'

export interface AlertLine {
  readonly alert_id: string
  readonly state: 'open' | 'resolved'
  readonly kind: string
  readonly raised_at: string
  readonly blocks_retraining: boolean
  readonly detail: string
  /** `verdict by actor: reason`, oldest first. */
  readonly judgements: readonly string[]
}

/** The newest of them; the rest is SQL. */
const ALERTS_MAX = 500

const STATEMENT = `SELECT a.alert_id AS alert_id, if(countIf(a.state = 'resolved') > 0, 'resolved', 'open') AS state, any(a.kind) AS kind,
    min(a.raised_at) AS raised_at, max(a.blocks_retraining) AS blocks_retraining, argMin(a.detail, a.raised_at) AS detail, any(j.judgements) AS judgements
FROM alerts AS a FINAL
LEFT JOIN (
    SELECT alert_id, arrayMap(one -> one.2, arraySort(groupArray((judged_at, concat(verdict, ' by ', actor, ': ', reason))))) AS judgements
    FROM alert_judgements FINAL GROUP BY alert_id
) AS j ON j.alert_id = a.alert_id
GROUP BY a.alert_id
ORDER BY state = 'open' DESC, raised_at DESC
LIMIT ${ALERTS_MAX}`

export const listAlerts = async (ask: Ask): Promise<readonly AlertLine[]> =>
  (JSON.parse(await ask(STATEMENT, 'JSON')) as { data: readonly AlertLine[] }).data

export const alertLines = (alerts: readonly AlertLine[]): string =>
  alerts.length === 0
    ? 'No alert is open.\n'
    : alerts
        .map(({ alert_id, state, raised_at, blocks_retraining, detail, judgements }) => {
          const blocks = state === 'open' && blocks_retraining ? '\n  nothing is trained on these data' : ''
          return `${state.padEnd(8)}  ${raised_at}  ${alert_id}\n  ${detail}${blocks}${judgements.map((one) => `\n  ${one}`).join('')}\n`
        })
        .join('')
