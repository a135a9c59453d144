/** Puts one engine together on a data directory: log, state, scoring, pipeline, gateway, warehouse. Closes them in the opposite order. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { Ingest as GatewayIngest } from '#gateway/ports.ts'
import { startGateway } from '#gateway/server.ts'
import { DEFAULT_LIMITS } from '#gateway/settings.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Scorer } from '#scoring/scorer.ts'
import type { DecisionOutcome } from '#schemas/decision.ts'
import { epochMs } from '#schemas/units.ts'
import { agreeOnFormat, lockDirectory } from '#streams/embedded/data-directory.ts'
import { type EmbeddedLogOptions, openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { openStateStore } from '#streams/embedded/state-store.ts'
import { openVault } from '#streams/embedded/vault.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import { Ingest } from '#streams/ingest.ts'
import type { Clock } from '#streams/ports.ts'
import { SwappableDecider } from '#streams/swappable-decider.ts'
import { Waiters } from '#streams/waiters.ts'
import type { Config } from './config.ts'
import { readCredentials } from './credentials.ts'
import { writeFacts } from './facts.ts'
import { gatewayEngine } from './gateway-engine.ts'
import { createMetrics } from './metrics.ts'
import { findingPublisher } from './finding-publisher.ts'
import type { Publish } from './monitoring.ts'
import type { MonitoringTask } from './monitoring-task.ts'
import { archivePolicy } from './policy-archive.ts'
import { pipelineSettings } from './pipeline-settings.ts'
import { requirePort } from './port-free.ts'
import { ModelWatcher } from './retrain/model-watcher.ts'
import { startRetraining } from './retrain/start-retraining.ts'
import { announceEngine, withdrawEngine } from './running-engine.ts'
import { superviseWarehouse, type SupervisedWarehouse } from './warehouse-supervisor.ts'

const DAY_MS = 86_400_000

export interface Host {
  readonly engine: Engine
  readonly httpUrl: string
  /** Where SQL will answer; null where no warehouse runs. */
  readonly sqlUrl: string | null
  /** Resolves once SQL answers. The pipeline does not wait for it. */
  readonly sqlReady: Promise<unknown>
  readonly ingest: GatewayIngest
  /** Resolves if the engine stops by itself. */
  readonly failed: Promise<unknown>
  /** Decisions read back since this process began. */
  decisionMix(): Readonly<Record<DecisionOutcome, number>>
  /** Events folded per second, lately. */
  recentRate(): number
  /** Decisions that SQL can see. */
  warehouseRows(): number
  warehouseCaughtUp(): Promise<void>
  close(): Promise<void>
}

const systemClock: Clock = { now: () => epochMs(Date.now()) }

/** Runs the closers of what was opened, last first, each whatever the others do. */
class Closers {
  readonly #closers: (() => unknown)[] = []
  add(close: () => unknown): void {
    this.#closers.push(close)
  }
  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close()
  }
}

const countDecisions = (engine: Engine) => {
  const mix = { approve: 0, refer: 0, decline: 0 }
  engine.decisions.subscribe((batch) => {
    for (const { body } of batch) mix[body.decision] += 1
  })
  return mix
}

/** Events a second, from the counters, over the time between two calls at least 400 ms apart. */
const rateMeter = (engine: Engine): (() => number) => {
  const total = (): number => Object.values(engine.counters.events).reduce((sum, count) => sum + count, 0)
  let last = { at: performance.now(), count: total(), rate: 0 }
  return () => {
    const at = performance.now()
    if (at - last.at >= 400) last = { at, count: total(), rate: ((total() - last.count) / (at - last.at)) * 1000 }
    return last.rate
  }
}

/** Nothing goes that the state or the warehouse has not finished with. */
const retentionOf = ({ retention, warehouse, monitoring }: Config): Pick<EmbeddedLogOptions, 'retention'> => {
  if (retention.days === null) return {}
  const ageMsMax = retention.days * DAY_MS
  const reader = warehouse.kind === 'off' ? [] : ['warehouse', ...(monitoring.enabled ? ['monitoring'] : [])]
  return {
    retention: {
      'credit-events': { ageMsMax, consumers: ['state', ...reader] },
      decisions: { ageMsMax, consumers: ['state', ...reader] },
    },
  }
}

const startWarehouse = (config: Config, logger: Logger, publish: Publish): SupervisedWarehouse | undefined => {
  if (config.warehouse.kind === 'off') return undefined
  const facts = writeFacts(config.dataDir, creditFeatureSet, config.models.dir)
  const { host, sqlPort } = config.gateway
  const task: MonitoringTask = { settings: config.monitoring, modelsDir: config.models.dir }
  const watching = config.monitoring.enabled ? ['--monitoring', JSON.stringify(task)] : []
  return superviseWarehouse({
    args: ['--data-dir', config.dataDir, '--sql-host', host, '--sql-port', String(sqlPort), '--facts', facts, ...watching],
    logger,
    publish,
  })
}

/**
 * Opens everything and serves. Rejects with an error that carries a stable `code` where the directory is taken, the model or policy is refused, or
 * a port cannot be had; whatever was opened before is closed again.
 */
export const openHost = async (config: Config, logger: Logger): Promise<Host> => {
  const closers = new Closers()
  try {
    return await open(config, logger, closers)
  } catch (error) {
    await closers.close()
    throw error
  }
}

const open = async (config: Config, logger: Logger, closers: Closers): Promise<Host> => {
  const { dataDir } = config
  closers.add(lockDirectory(dataDir))
  agreeOnFormat(dataDir, { partitions: config.log.partitions })
  await requirePort(config.gateway.host, config.gateway.port, 'SCORESTREAM_PORT')
  if (config.warehouse.kind !== 'off') await requirePort(config.gateway.host, config.gateway.sqlPort, 'SCORESTREAM_SQL_PORT')
  // The log opens after the warehouse has started; what monitoring finds before waits for it.
  const { promise: publisher, resolve: canPublish } = Promise.withResolvers<Publish>()
  const warehouse = startWarehouse(config, logger, async (topic, records) => (await publisher)(topic, records))
  closers.add(() => warehouse?.stop())

  const { directory } = resolve(config.models.dir, config.models.champion)
  const now = (): number => performance.now()
  const load = (bundleDir: string): Promise<Scorer> =>
    loadScorer({ bundleDir, policyPath: config.policy.file, featureSet: creditFeatureSet, attribution: config.explain, now })
  const scorer = await load(directory)
  archivePolicy(dataDir, scorer.policyVersion, config.policy.file)
  const decider = new SwappableDecider(scorer)

  const log = openEventLog({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(config.log.partitions),
    clock: systemClock,
    durability: config.durability,
    logger,
    ...retentionOf(config),
  })
  closers.add(() => log.close())
  canPublish(findingPublisher(log))
  // Another feature set begins with an empty store of its own: it refolds the log and adopts every published decision.
  const state = openStateStore({ folder: join(dataDir, 'state', creditFeatureSet.hash.slice(0, 12)) })
  closers.add(() => state.close())
  const vault = openVault(join(dataDir, 'vault'))
  closers.add(() => vault.close())

  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>()
  const engine = createEngine({
    log,
    state,
    featureSet: creditFeatureSet,
    decider,
    clock: systemClock,
    monotonicUs: () => performance.now() * 1000,
    logger,
    owner: `${hostname()}:${process.pid}`,
    host: hostname(),
    runtime: `node ${process.versions.node} ${process.arch}`,
    settings: pipelineSettings(config),
    onStopped: fail,
  })
  closers.add(async () => {
    // What was accepted is decided before the end. A failure on the way was reported by the engine, and the next start takes it from there.
    await engine.drain().catch(() => {})
    await engine.stop()
  })
  const mix = countDecisions(engine)
  await engine.start()
  const watcher = new ModelWatcher({
    modelsDir: config.models.dir,
    reference: config.models.champion,
    engine,
    decider,
    log,
    clock: systemClock,
    logger,
    load,
    changed: () => writeFacts(dataDir, creditFeatureSet, config.models.dir),
  })
  await watcher.start()
  closers.add(() => watcher.stop())
  const retraining = startRetraining({
    config,
    log,
    clock: systemClock,
    logger,
    champion: () => decider.modelVersion,
    changed: () => watcher.look(),
  })
  closers.add(() => retraining?.stop())

  const ingest = new Ingest({ log, engine, vault, clock: systemClock })
  const waiters = new Waiters()
  engine.decisions.subscribe((batch) => waiters.offer(batch))
  closers.add(() => waiters.close())
  const { port, host } = config.gateway
  let subscribers = (): number => 0
  const metrics = createMetrics({ engine, warehouse: () => warehouse?.status(), feedSubscribers: () => subscribers() })
  warehouse?.ready.catch(fail)
  // A free port is known only once it is taken.
  const sqlPort = warehouse === undefined ? null : config.gateway.sqlPort === 0 ? await warehouse.ready : config.gateway.sqlPort
  const sqlUrl = sqlPort === null ? null : `http://${host}:${sqlPort}`
  const gateway = await startGateway({
    settings: {
      host,
      port,
      credentials: readCredentials(config.gateway.tokensFile),
      allowedHosts: [],
      allowedOrigins: [],
      limits: DEFAULT_LIMITS,
    },
    engine: gatewayEngine({ config, engine, log, ingest, waiters, decider, warehouse: () => warehouse?.status(), metrics }),
    log,
    report: logger,
    sqlUrl: sqlUrl ?? '',
  })
  subscribers = () => gateway.counters.subscribers
  closers.add(() => gateway.close())
  announceEngine(dataDir, {
    pid: process.pid,
    http: gateway.url,
    sql: sqlUrl,
    modelsDir: config.models.dir,
    policyFile: config.policy.file,
  })
  closers.add(() => withdrawEngine(dataDir))

  return {
    engine,
    httpUrl: gateway.url,
    sqlUrl,
    sqlReady: warehouse?.ready ?? Promise.resolve(),
    ingest: (events) => ingest.ingest(events),
    failed,
    decisionMix: () => mix,
    recentRate: rateMeter(engine),
    warehouseRows: () => warehouse?.status().rows['decisions'] ?? 0,
    async warehouseCaughtUp() {
      while (warehouse !== undefined && warehouse.status().state === 'ready' && warehouse.status().lag > 0)
        await new Promise((done) => setTimeout(done, 100))
    },
    close: () => closers.close(),
  }
}
