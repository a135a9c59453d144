/** Monitoring, put together in the process that has the warehouse: both logs in, tables, alerts and requests out. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ReferenceOf } from '#monitoring/drift/reference.ts'
import type { Findings } from '#monitoring/findings.ts'
import { Monitor, type MonitorFigures, type MonitorState, monitorState } from '#monitoring/monitor.ts'
import type { MonitoringSettings } from '#monitoring/settings.ts'
import { isMuted } from '#monitoring/triggers/alert-book.ts'
import type { Manifest } from '#registry/manifest.ts'
import { readManifest } from '#registry/resolve.ts'
import type { Alert, AlertKind } from '#schemas/monitoring-events.ts'
import { encodeAlert, encodeModelEvent } from '#schemas/monitoring-wire.ts'
import { insertAlerts, insertFindings, insertJudgements } from '#streams/clickhouse/finding-rows.ts'
import type { Logger } from '#streams/logger.ts'
import { checkpointFile } from '#streams/monitoring/checkpoint-file.ts'
import { MonitorRunner } from '#streams/monitoring/monitor-runner.ts'
import type { EventLog } from '#streams/ports.ts'
import { type TableFigures, TableMonitor } from './table-monitor.ts'
import type { Tables } from './warehouse-tables.ts'

/** A failed insert or publish is tried again this often, waiting twice as long each time; then the process ends and is restarted. */
const ATTEMPTS_MAX = 6
const RETRY_MS = 250

/** Appends records to a topic of the engine's log; resolves once they are durable. */
export type Publish = (topic: 'alerts' | 'model-events' | 'revisions', records: readonly Uint8Array[]) => Promise<void>

export interface MonitoringStatus extends Omit<MonitorFigures, 'refused'>, TableFigures {
  /** Records of both logs not yet seen. */
  readonly lag: number
  readonly refused: Readonly<Record<string, number>>
  readonly openAlerts: Readonly<Record<AlertKind, number>>
}

export interface MonitoringOptions {
  readonly log: EventLog
  readonly tables: Pick<Tables, 'database' | 'writer'>
  readonly dataDir: string
  readonly modelsDir: string
  readonly settings: MonitoringSettings
  readonly publish: Publish
  readonly logger: Logger
}

export interface RunningMonitoring {
  /** Resolves after {@link stop}; rejects where monitoring cannot go on. */
  readonly done: Promise<void>
  status(): MonitoringStatus
  stop(): void
}

/** Manifests of published bundles never change; one that is not there now may be later, so only what was found is kept. */
const manifests = (modelsDir: string, logger: Logger): ((modelVersion: string) => Manifest | undefined) => {
  const known = new Map<string, Manifest>()
  return (modelVersion) => {
    const held = known.get(modelVersion)
    if (held !== undefined) return held
    const [name, version] = modelVersion.split('@')
    try {
      const { manifest } = readManifest(join(modelsDir, name ?? '', version ?? ''))
      known.set(modelVersion, manifest)
      return manifest
    } catch (err) {
      logger.warn({ err, modelVersion }, 'a model that decides has no readable manifest; its drift cannot be watched')
      return undefined
    }
  }
}

const referenceFrom =
  (manifestOf: (modelVersion: string) => Manifest | undefined): ReferenceOf =>
  (modelVersion) => {
    const manifest = manifestOf(modelVersion)
    if (manifest === undefined) return undefined
    const { reference, scoreReference, data } = manifest
    return { modelVersion, features: reference, score: scoreReference, rows: data.rows - data.holdoutRows }
  }

const untilDone = async (what: string, logger: Logger, act: () => Promise<void>): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      logger.warn({ err: error, attempt }, `${what} failed`)
      if (attempt === ATTEMPTS_MAX) throw error
      await delay(RETRY_MS * 2 ** (attempt - 1))
    }
  }
}

/** Tables first, then the topics: who hears of an alert can query what it rests on. */
const deliverer = ({
  tables,
  publish,
  logger,
}: MonitoringOptions): ((found: Findings, muted: (alert: Alert) => boolean) => Promise<void>) => {
  const { inserter } = tables.writer()
  return async ({ drift, quality, slo, alerts, requests, judgements }, muted) => {
    await untilDone('writing findings', logger, async () => {
      await insertFindings(inserter, 'drift', drift)
      await insertFindings(inserter, 'data_quality', quality)
      await insertFindings(inserter, 'slo', slo)
      await insertAlerts(inserter, alerts)
      await insertJudgements(inserter, judgements)
    })
    await untilDone('publishing alerts', logger, async () => {
      if (alerts.length > 0) await publish('alerts', alerts.map(encodeAlert))
      if (requests.length > 0) await publish('model-events', requests.map(encodeModelEvent))
    })
    for (const { alertId, actor, verdict, reason } of judgements) logger.warn({ alertId, actor }, `alert ${verdict}: ${reason}`)
    for (const { state, severity, kind, cause, subject, detail } of alerts.filter((alert) => !muted(alert)))
      logger.warn({ state, severity, kind, cause, subject }, `alert ${state}: ${detail}`)
  }
}

/** Muted ones call nobody, and so are not counted. */
const openByKind = ({ state: { alerts } }: Monitor, at: number): Record<AlertKind, number> => {
  const counts = { drift: 0, 'data-quality': 0, fairness: 0, performance: 0, latency: 0 }
  for (const alert of alerts.open.values()) if (!isMuted(alerts, alert, at)) counts[alert.kind]++
  return counts
}

export const startMonitoring = (options: MonitoringOptions): RunningMonitoring => {
  const { log, tables, dataDir, modelsDir, settings, logger } = options
  const manifestOf = manifests(modelsDir, logger)
  const deliver = deliverer(options)
  let monitor: Monitor | undefined
  const runner = new MonitorRunner<MonitorState>({
    log,
    // Beside the tables: whoever deletes those has both made again from the logs.
    checkpoints: checkpointFile(join(dataDir, 'warehouse', 'monitoring.checkpoint')),
    monitor: (state) =>
      (monitor = new Monitor(settings, referenceFrom(manifestOf), state ?? monitorState(log.partitions('credit-events')))),
    deliver: async () => deliver(made.take(), (alert) => isMuted(made.state.alerts, alert, alert.raisedAt)),
    logger,
    now: () => Date.now(),
  })
  const made = monitor!
  const byMonth = new TableMonitor({
    ...tables.writer(),
    database: tables.database,
    settings,
    aucAtFit: (modelVersion) => manifestOf(modelVersion)?.metrics['auc']?.value,
    tell: (key, alert, at) => made.tell(key, alert, at),
    at: () => runner.at,
    logger,
    now: () => performance.now(),
  })
  return {
    done: Promise.all([runner.run(), byMonth.run()]).then(() => {}),
    status: () => ({
      ...made.state.figures,
      ...byMonth.figures,
      lag: runner.lag(),
      refused: { ...made.state.figures.refused },
      openAlerts: openByKind(made, runner.at),
    }),
    stop() {
      runner.stop()
      byMonth.stop()
    },
  }
}
