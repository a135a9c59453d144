/** Puts one engine together on a data directory: log, state, scoring, pipeline, gateway, warehouse. Closes them in the opposite order. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { NamedFeatureSet } from '#features/sets.ts'
import type { Ingest as GatewayIngest } from '#gateway/ports.ts'
import { startGateway } from '#gateway/server.ts'
import { DEFAULT_LIMITS } from '#gateway/settings.ts'
import type { DecisionOutcome } from '#schemas/decision.ts'
import { epochMs } from '#schemas/units.ts'
import { agreeOnFormat, lockDirectory } from '#streams/embedded/data-directory.ts'
import { openVault } from '#streams/embedded/vault.ts'
import type { EngineFace } from '#streams/engine-face.ts'
import { EvolvingEngine } from '#streams/evolution/evolving-engine.ts'
import { Ingest } from '#streams/ingest.ts'
import type { Clock } from '#streams/ports.ts'
import { RecentDecisions } from '#streams/recent-decisions.ts'
import { Waiters } from '#streams/waiters.ts'
import { openAdapters } from './adapters.ts'
import { watchJudgements } from './alerts/judgement-watcher.ts'
import type { Config } from './config.ts'
import { readCredentials } from './credentials.ts'
import { openDashboard } from './dashboard-build.ts'
import { writeFacts } from './facts.ts'
import { bundleLoader } from './bundle-loader.ts'
import { bundleToBeginWith, writeInForce } from './evolution/in-force.ts'
import { SetChange } from './evolution/set-change.ts'
import { requireFeatureSet } from './feature-sets.ts'
import { followForWaiters } from './follow-for-waiters.ts'
import { gatewayEngine } from './gateway-engine.ts'
import { createMetrics } from './metrics.ts'
import { findingPublisher } from './finding-publisher.ts'
import { monitoringArguments } from './monitoring-task.ts'
import type { Publish } from './monitoring.ts'
import { archivePolicy } from './policy-archive.ts'
import { startReconciliation } from './reconciliation.ts'
import { parityArguments } from './parity/parity-task.ts'
import { revisionArguments } from './revisions.ts'
import { readinessOf } from './readiness.ts'
import { seatOpener } from './open-seat.ts'
import { returnFreedMemory } from './native-memory.ts'
import { requirePort } from './port-free.ts'
import { replayInChild } from './replay-process.ts'
import { ModelWatcher } from './retrain/model-watcher.ts'
import { doRegistryTask } from './retrain/registry-desk.ts'
import { startRetraining } from './retrain/start-retraining.ts'
import { announceEngine, withdrawEngine } from './running-engine.ts'
import { traceDecisions } from './trace-decisions.ts'
import { superviseWarehouse, type SupervisedWarehouse, type SupervisorOptions } from './warehouse-supervisor.ts'

export interface Host {
  readonly engine: EngineFace
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

type Heard = SupervisorOptions['heard'] | undefined

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

const countDecisions = (engine: EngineFace) => {
  const mix = { approve: 0, refer: 0, decline: 0 }
  engine.decisions.subscribe((batch) => {
    for (const { body } of batch) mix[body.decision] += 1
  })
  return mix
}

/** Events a second, from the counters, over the time between two calls at least 400 ms apart. */
const rateMeter = (engine: EngineFace): (() => number) => {
  const total = (): number => Object.values(engine.counters.events).reduce((sum, count) => sum + count, 0)
  let last = { at: performance.now(), count: total(), rate: 0 }
  return () => {
    const at = performance.now()
    if (at - last.at >= 400) last = { at, count: total(), rate: ((total() - last.count) / (at - last.at)) * 1000 }
    return last.rate
  }
}

const startWarehouse = (
  config: Config,
  features: NamedFeatureSet,
  logger: Logger,
  publish: Publish,
  heard: Heard,
): SupervisedWarehouse | undefined => {
  const { dataDir, log, warehouse, gateway } = config
  if (warehouse.kind === 'off') return undefined
  const facts = writeFacts(dataDir, features, config.models.dir)
  const tables =
    warehouse.kind === 'server'
      ? ['--server', JSON.stringify(warehouse.server)]
      : ['--sql-host', gateway.host, '--sql-port', String(gateway.sqlPort)]
  const source = log.kind === 'kafka' ? ['--kafka', JSON.stringify(log.kafka), '--partitions', String(log.partitions)] : []
  const args = [
    '--data-dir',
    dataDir,
    '--facts',
    facts,
    '--reconciler',
    config.reconciler,
    ...tables,
    ...source,
    ...monitoringArguments(config),
    ...revisionArguments(config),
    ...parityArguments(config),
  ]
  return superviseWarehouse({ args, logger, publish, ...(heard === undefined ? {} : { heard }) })
}

/** Null where a ClickHouse server answers SQL itself. */
const sqlPortOf = async ({ warehouse, gateway }: Config, { ready }: SupervisedWarehouse): Promise<number | null> =>
  warehouse.kind === 'server' ? null : gateway.sqlPort === 0 ? await ready : gateway.sqlPort

/**
 * Opens everything and serves. Rejects with an error that carries a stable `code` where the directory is taken, the model or policy is refused, or
 * a port cannot be had; whatever was opened before is closed again. `heard` takes the lines of the warehouse process's log.
 */
export const openHost = async (config: Config, logger: Logger, heard?: Heard): Promise<Host> => {
  const closers = new Closers()
  try {
    return await open(config, logger, closers, heard)
  } catch (error) {
    await closers.close()
    throw error
  }
}

const open = async (config: Config, logger: Logger, closers: Closers, heard: Heard): Promise<Host> => {
  const { dataDir } = config
  returnFreedMemory()
  closers.add(lockDirectory(dataDir))
  agreeOnFormat(dataDir, { partitions: config.log.partitions })
  await requirePort(config.gateway.host, config.gateway.port, 'SCORESTREAM_PORT')
  if (config.warehouse.kind === 'embedded') await requirePort(config.gateway.host, config.gateway.sqlPort, 'SCORESTREAM_SQL_PORT')
  // The log opens after the warehouse has started; what monitoring finds before waits for it.
  const { promise: publisher, resolve: canPublish } = Promise.withResolvers<Publish>()
  const { directory, name, version, manifest } = bundleToBeginWith(config, logger)
  const features = requireFeatureSet(manifest.featureSetHash, `bundle ${name}@${version}`)
  const warehouse = startWarehouse(config, features, logger, async (topic, records) => (await publisher)(topic, records), heard)
  closers.add(() => warehouse?.stop())

  const { load, makeReady } = bundleLoader(config)
  const scorer = await load(directory, features)
  archivePolicy(dataDir, scorer.policyVersion, config.policy.file)

  const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>()
  const adapters = await openAdapters({ config, clock: systemClock, logger, failed: fail, opened: (close) => closers.add(close) })
  const { log } = adapters
  const publish = findingPublisher(log)
  canPublish(publish)
  const judgements = watchJudgements(dataDir, publish, logger)
  closers.add(() => judgements.stop())
  const vault = openVault(join(dataDir, 'vault'))
  closers.add(() => vault.close())

  const openSeat = seatOpener({ config, adapters, clock: systemClock, logger, failed: fail })
  const engine = new EvolvingEngine(await openSeat(scorer, features.set))
  closers.add(async () => {
    // What was accepted is decided before the end, save where others take over at once. A failure on the way was reported by the engine, and the next start takes it from there.
    if (!adapters.shared) await engine.drain().catch(() => {})
    await engine.stop()
  })
  const mix = countDecisions(engine)
  const inForce = (modelVersion: string): void => writeInForce(dataDir, { featureSetHash: engine.seat.featureSet.hash, modelVersion })
  inForce(scorer.modelVersion)
  await engine.start()
  const change = new SetChange({ dataDir, adapters, engine, openSeat, load, clock: systemClock, logger, failed: fail })
  closers.add(() => change.callOff())
  const inUse = () => requireFeatureSet(engine.seat.featureSet.hash, 'the engine')
  const watcher = new ModelWatcher({
    modelsDir: config.models.dir,
    reference: config.models.champion,
    engine,
    decider: () => engine.seat.decider,
    log,
    clock: systemClock,
    logger,
    load: (bundleDir) => load(bundleDir, inUse()),
    setChange: change,
    inForce,
    changed: () => doRegistryTask({ kind: 'facts', dataDir, modelsDir: config.models.dir, featureSetHash: engine.seat.featureSet.hash }),
  })
  await watcher.start()
  closers.add(() => watcher.stop())
  const retraining = startRetraining({
    config,
    log,
    clock: systemClock,
    logger,
    champion: () => engine.seat.decider.modelVersion,
    makeReady: () => makeReady(engine.seat.decider.modelVersion, inUse()),
    leads: () => engine.owns(0),
    changed: () => watcher.look(),
    liveParity: () => warehouse?.status().parity ?? undefined,
  })
  closers.add(() => retraining?.stop())

  const ingest = new Ingest({ log, engine, vault, clock: systemClock })
  const waiters = new Waiters()
  closers.add(() => waiters.close())
  // Alone on its log the engine tells sooner; shared, whoever decided is read from the log.
  const recent = new RecentDecisions()
  if (adapters.shared) closers.add(await followForWaiters(log, waiters, recent, logger))
  else engine.decisions.subscribe((batch) => waiters.offer(batch))
  const { port, host } = config.gateway
  let subscribers = (): number => 0
  // It lives in the warehouse's process; where there is none, here.
  const reconciliation =
    warehouse === undefined && config.reconciler === 'on' ? startReconciliation({ log, dataDir, logger, onFailure: fail }) : undefined
  closers.add(() => reconciliation?.stop())
  closers.add(await traceDecisions(config.tracing, { engine, log, logger }))
  const readiness = () =>
    readinessOf({ engine, log, folder: adapters.logFolder, warehouse: () => warehouse?.status(), now: () => systemClock.now() })
  const metrics = createMetrics({
    engine,
    ready: async () => (await readiness()).ready,
    now: () => systemClock.now(),
    warehouse: () => warehouse?.status(),
    feedSubscribers: () => subscribers(),
    setChange: () => change.status,
    reconciliation: () => reconciliation?.totals() ?? warehouse?.status().reconciliation ?? undefined,
  })
  warehouse?.ready.catch(fail)
  // A free port is known only once it is taken.
  const sqlPort = warehouse === undefined ? null : await sqlPortOf(config, warehouse)
  const sqlUrl = sqlPort === null ? null : `http://${host}:${sqlPort}`
  const gateway = await startGateway({
    settings: {
      host,
      port,
      credentials: readCredentials(config.gateway.tokensFile),
      allowedHosts: config.gateway.allowedHosts,
      allowedOrigins: [],
      limits: DEFAULT_LIMITS,
    },
    engine: gatewayEngine({ config, engine, log, ingest, waiters, recent, readiness, metrics }),
    log,
    report: logger,
    sqlUrl: sqlUrl ?? '',
    replay: replayInChild(config),
    dashboard: openDashboard(logger),
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
