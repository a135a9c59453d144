/** What a warehouse process has under way, and what it says of itself. */
import type { SqlServer } from '#gateway/sql/sql-server.ts'
import type { ParityMeter } from '#streams/clickhouse/parity-meter.ts'
import type { Sink } from '#streams/clickhouse/sink.ts'
import type { EventLog, Topic } from '#streams/ports.ts'
import type { RunningMonitoring } from './monitoring.ts'
import type { Reconciliation } from './reconciliation.ts'
import type { RunningRevisions } from './revisions.ts'
import type { WarehouseMessage } from './warehouse-supervisor.ts'
import type { Tables } from './warehouse-tables.ts'

export const FOLLOWED_TOPICS: readonly Topic[] = ['credit-events', 'decisions', 'revisions', 'dead-letters', 'model-events', 'alerts']

export interface RunningWarehouse {
  /** Undefined while a server has not answered yet. */
  tables: Tables | undefined
  /** Undefined where a ClickHouse server answers SQL itself. */
  readonly sql: SqlServer | undefined
  /** Why the server cannot be reached, and since when by the wall clock. */
  away: { readonly since: number; readonly reason: string } | null
  readonly patience: 'ends' | 'waits'
  readonly stopped: AbortController
  sinks: Sink[]
  log: EventLog | undefined
  reconciliation: Reconciliation | undefined
  monitoring: RunningMonitoring | undefined
  revisions: RunningRevisions | undefined
  parity: ParityMeter | undefined
  readonly work: Promise<void>[]
}

/** While the tables have not been reached, all that the logs hold counts as lag: nothing is known to have arrived. */
const wholeLog = (log: EventLog | undefined): number =>
  FOLLOWED_TOPICS.reduce((sum, topic) => {
    const start = log?.start(topic) ?? []
    return sum + (log?.end(topic) ?? []).reduce((rest, end, partition) => rest + end - (start[partition] ?? 0), 0)
  }, 0)

export const progressOf = (running: RunningWarehouse): ((before: ReadonlyMap<string, number>) => WarehouseMessage) => {
  return (before) => {
    const rows: Record<string, number> = Object.fromEntries(before)
    let lag = running.sinks.length === 0 ? wholeLog(running.log) : 0
    let { away } = running
    for (const status of running.sinks.map((sink) => sink.status())) {
      lag += status.lag
      away ??= status.away
      for (const [table, count] of Object.entries(status.rows)) rows[table] = (rows[table] ?? 0) + count
    }
    const reconciliation = running.reconciliation?.totals() ?? null
    return {
      kind: 'progress',
      rows,
      lag,
      rssBytes: process.memoryUsage.rss(),
      reconciliation,
      away,
      monitoring: running.monitoring?.status() ?? null,
      revisions: running.revisions?.figures() ?? null,
      parity: running.parity?.figures() ?? null,
    }
  }
}
