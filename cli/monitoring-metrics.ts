/** What Prometheus sees of monitoring: a dozen series, whatever the number of features, producers and groups. The rest is SQL. */
import { Gauge, type Registry } from 'prom-client'
import type { MonitoringStatus } from './monitoring.ts'

/** Names end in what Prometheus' conventions ask for; totals are gauges, since the monitor restores its own counts after a restart. */
const FIGURES: readonly (readonly [name: string, help: string, read: (status: MonitoringStatus) => number])[] = [
  ['scorestream_drift_score_psi', 'Population stability index of the score in the last window', ({ scorePsi }) => scorePsi],
  ['scorestream_drift_feature_psi_max', 'Largest index of any feature that may alert in the last window', ({ largestPsi }) => largestPsi],
  [
    'scorestream_latency_burn_rate',
    'How many times too fast the last hour used up the allowed share of slow decisions',
    ({ burnRate }) => burnRate,
  ],
  ['scorestream_performance_auc', 'Area under the ROC curve of the newest month with matured outcomes; NaN before', ({ auc }) => auc],
  [
    'scorestream_fairness_ratio_min',
    'Smallest ratio of approval rates between groups with evidence; NaN before',
    ({ fairnessRatioMin }) => fairnessRatioMin,
  ],
  ['scorestream_monitoring_decisions', 'Decisions watched', ({ decisions }) => decisions],
  ['scorestream_monitoring_lag_records', 'Records of the logs that monitoring has not seen yet', ({ lag }) => lag],
  ['scorestream_retrain_requests', 'Successors asked for', ({ requests }) => requests],
]

export const registerMonitoringMetrics = (registry: Registry, status: () => MonitoringStatus | undefined): void => {
  for (const [name, help, read] of FIGURES)
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const now = status()
        if (now === undefined) this.reset()
        // JSON has no NaN: over the channel it arrives as null.
        else this.set(read(now) ?? Number.NaN)
      },
    })
  new Gauge({
    name: 'scorestream_alerts_open',
    help: 'Alerts that have opened and not ended, by what is watched',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, count] of Object.entries(status()?.openAlerts ?? {})) this.set({ kind }, count)
    },
  })
  new Gauge({
    name: 'scorestream_retrain_refused',
    help: 'Times a successor was due and not asked for, by reason',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      for (const [reason, count] of Object.entries(status()?.refused ?? {})) this.set({ reason }, count)
    },
  })
}
