/** What Prometheus scrapes: the engine's own counters, read when asked, and a latency histogram. Few series, by design. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineFace } from '#streams/engine-face.ts'
import type { ReconcilerTotals } from '#streams/reconciler/reconciler.ts'
import type { RevisionFigures } from '#streams/revisions/revision-runner.ts'
import type { SetChangeStatus } from './evolution/set-change.ts'
import { registerMonitoringMetrics } from './monitoring-metrics.ts'
import type { ParityFigures } from '#streams/clickhouse/parity-meter.ts'
import type { WarehouseStatus } from './warehouse-supervisor.ts'

/** Seconds; the promise is p50 ≤ 2 ms and p99 ≤ 8 ms end to end, so the edges are dense there. */
const LATENCY_EDGES_S = [0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.02, 0.05, 0.1, 0.5, 2]

const filledRatio = (status: SetChangeStatus): number =>
  status.kind === 'filling' && status.total > 0 ? Math.min(1, status.done / status.total) : 1

export interface MetricsSources {
  readonly engine: EngineFace
  readonly warehouse: () => WarehouseStatus | undefined
  readonly feedSubscribers: () => number
  /** On the way to another feature set. */
  readonly setChange: () => SetChangeStatus
  readonly reconciliation: () => ReconcilerTotals | undefined
  /** Whether an event sent now would be kept and decided soon. */
  readonly ready: () => Promise<boolean>
  readonly now: () => number
}

/** A counter whose value is kept elsewhere. prom-client counters only grow, so it is reset to what the source says. */
const mirrored = (
  registry: Registry,
  name: string,
  help: string,
  label: string | null,
  read: () => Readonly<Record<string, number>> | number,
): void => {
  new Counter({
    name,
    help,
    labelNames: label === null ? [] : [label],
    registers: [registry],
    collect() {
      this.reset()
      const now = read()
      if (typeof now === 'number') this.inc(now)
      else for (const [value, count] of Object.entries(now)) this.inc({ [label ?? '']: value }, count)
    },
  })
}

const gauge = (registry: Registry, name: string, help: string, read: () => number | Promise<number>): void => {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      this.set(await read())
    },
  })
}

export const createMetrics = ({
  engine,
  warehouse,
  feedSubscribers,
  setChange,
  reconciliation,
  ready,
  now,
}: MetricsSources): (() => Promise<string>) => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const { counters } = engine
  const decisions: Record<string, number> = {}
  const latency = new Histogram({
    name: 'scorestream_decision_seconds',
    help: 'From the append of an application to its decision readable in the log, seconds',
    buckets: LATENCY_EDGES_S,
    registers: [registry],
  })
  engine.decisions.subscribe((batch) => {
    for (const { body, envelope } of batch) {
      decisions[body.decision] = (decisions[body.decision] ?? 0) + 1
      const { queueUs, decodeUs, stateUs, foldUs, scoreUs, explainUs, policyUs, publishUs } = envelope.stages
      latency.observe((queueUs + decodeUs + stateUs + foldUs + scoreUs + explainUs + policyUs + publishUs) / 1e6)
    }
  })
  mirrored(registry, 'scorestream_events_total', 'Events folded, by kind', 'kind', () => counters.events)
  mirrored(registry, 'scorestream_decisions_total', 'Decisions read back from the log, by outcome', 'decision', () => decisions)
  mirrored(
    registry,
    'scorestream_degraded_total',
    'Decisions that gave up quality to keep the deadline, by step',
    'step',
    () => counters.degraded,
  )
  mirrored(registry, 'scorestream_dead_letters_total', 'Events refused by the pipeline, by code', 'code', () => counters.deadLetters)
  mirrored(
    registry,
    'scorestream_duplicates_total',
    'Repeated events recognised',
    null,
    () => counters.duplicates + counters.ingestDuplicates,
  )
  mirrored(registry, 'scorestream_conflicts_total', 'Event ids sent again with other bytes', null, () => counters.ingestConflicts)
  mirrored(registry, 'scorestream_rerouted_total', 'Events put where their applicant belongs', null, () => counters.rerouted)
  mirrored(registry, 'scorestream_late_events_total', 'Events older than the newest of their applicant', null, () => counters.late)
  mirrored(registry, 'scorestream_adopted_total', 'Decisions taken over from a predecessor', null, () => counters.adopted)
  mirrored(registry, 'scorestream_restarts_total', 'Batches undone because code threw', null, () => counters.restarts)
  mirrored(registry, 'scorestream_commits_total', 'State commits', null, () => counters.commits)
  mirrored(registry, 'scorestream_retries_total', 'Publishes or commits tried again', null, () => counters.retries)
  gauge(
    registry,
    'scorestream_feature_set_filled_ratio',
    'Share of the log folded into the states of the feature set to come; 1 where none is to come',
    () => filledRatio(setChange()),
  )
  gauge(registry, 'scorestream_lag_records', 'Events in the log not folded yet', () =>
    engine
      .lag()
      .values()
      .reduce((sum, one) => sum + one, 0),
  )
  gauge(registry, 'scorestream_feed_subscribers', 'Connected live feeds', feedSubscribers)
  gauge(registry, 'scorestream_warehouse_up', '1 while the warehouse answers', () => (warehouse()?.state === 'ready' ? 1 : 0))
  gauge(registry, 'scorestream_warehouse_lag_records', 'Records of the logs not yet in the warehouse', () => warehouse()?.lag ?? 0)
  gauge(registry, 'scorestream_warehouse_rss_bytes', 'Memory of the warehouse process', () => warehouse()?.rssBytes ?? 0)
  gauge(registry, 'scorestream_warehouse_restarts', 'Restarts of the warehouse process', () => warehouse()?.restarts ?? 0)
  gauge(registry, 'scorestream_warehouse_hangs', 'Of them, those of a process that hung and was killed', () => warehouse()?.hangs ?? 0)
  gauge(registry, 'scorestream_ready', '1 while /readyz says so', async () => ((await ready()) ? 1 : 0))
  gauge(registry, 'scorestream_warehouse_away_seconds', 'How long a ClickHouse server has not been reached; 0 while it is', () => {
    const away = warehouse()?.away ?? null
    return away === null ? 0 : (now() - away.since) / 1000
  })
  reconcilerGauges(registry, reconciliation)
  revisionGauges(registry, () => warehouse()?.revisions ?? undefined)
  parityGauges(registry, () => warehouse()?.parity ?? undefined)
  registerMonitoringMetrics(registry, () => warehouse()?.monitoring ?? undefined)
  return () => registry.metrics()
}

const RECONCILER_HELP: Readonly<Record<keyof ReconcilerTotals, readonly [name: string, help: string]>> = {
  applications: ['applications', 'Different applications the reconciler has read'],
  decided: ['decided', 'Applications with one believed content'],
  deadLettered: ['dead_lettered', 'Applications refused by the pipeline, kept in the dead letters'],
  lost: ['lost', 'Applications passed over without decision or dead letter; must be 0'],
  conflicting: ['conflicting', 'Believed records that contradict what was decided; must be 0'],
  repeated: ['repeated', 'Believed records repeated with the same content; harmless'],
  duplicates: ['duplicates', 'Applications that repeat an earlier event, decided once'],
  inFlight: ['in_flight', 'Applications that wait for their decision'],
  lag: ['lag_records', 'Records of the logs the reconciler has not looked at yet'],
}

const reconcilerGauges = (registry: Registry, totals: () => ReconcilerTotals | undefined): void => {
  for (const [key, [name, help]] of Object.entries(RECONCILER_HELP) as [keyof ReconcilerTotals, readonly [string, string]][])
    gauge(registry, `scorestream_reconciler_${name}`, help, () => totals()?.[key] ?? 0)
}

const REVISION_HELP: Readonly<Record<keyof RevisionFigures, readonly [name: string, help: string]>> = {
  revisions: ['revisions', 'Decisions made whose features a late event changed, one per decision and event'],
  flips: ['revision_flips', 'Of them, those that the same bundle and policy would decide otherwise now'],
  left: ['revisions_left', 'Late events or decisions not looked at because a bound was reached or the log’s beginning is gone'],
  lag: ['revision_lag_records', 'Input records in which late events have not been looked for yet'],
}

const revisionGauges = (registry: Registry, figures: () => RevisionFigures | undefined): void => {
  for (const [key, [name, help]] of Object.entries(REVISION_HELP) as [keyof RevisionFigures, readonly [string, string]][])
    gauge(registry, `scorestream_${name}`, help, () => figures()?.[key] ?? 0)
}

const PARITY_HELP: Readonly<Record<keyof ParityFigures, readonly [name: string, help: string]>> = {
  decisions: ['parity_decisions', 'Decisions whose features the last measurements computed again from raw events'],
  values: ['parity_values', 'Feature values compared by them'],
  mismatches: ['parity_mismatches', 'Of them, those that differ from what was scored; must be 0'],
  rate: ['parity_mismatch_rate', 'Mismatches by values compared; above parity.budget no model is promoted'],
}

const parityGauges = (registry: Registry, figures: () => ParityFigures | undefined): void => {
  for (const [key, [name, help]] of Object.entries(PARITY_HELP) as [keyof ParityFigures, readonly [string, string]][])
    gauge(registry, `scorestream_${name}`, help, () => figures()?.[key] ?? 0)
}
