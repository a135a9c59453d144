/**
 * The warehouse in a process of its own: follows the logs, fills the tables, answers SQL. Started by `warehouse-supervisor.ts`:
 *
 *   node cli/warehouse-process.ts --data-dir DIR [--sql-host 127.0.0.1] [--sql-port 8123] [--facts FILE]
 *   node cli/warehouse-process.ts --data-dir DIR --server '{"url": "https://…"}' [--facts FILE]
 *   … --kafka '{"brokers": […]}' --partitions 12
 *   … --monitoring '{"settings": {…}, "modelsDir": DIR}'
 *   … --revisions '{"modelsDir": DIR, …}' --parity '{"everySeconds": 60, …}'
 *
 * With `--monitoring` it watches what it stores, too: it follows the logs anyway, and stands behind the engine.
 *
 * With `--server` (the block `warehouse.server`, which names files of secrets and holds none) the tables live on that ClickHouse, which also
 * answers SQL; while it is away the lag grows and nothing else happens. Who may ask is `warehouse-sql.ts`'s. Messages to the parent: `WarehouseMessage`.
 * Ends on SIGTERM, or when the parent is gone.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SqlServer } from '#gateway/sql/sql-server.ts'
import { insertFacts, type Facts } from '#streams/clickhouse/facts.ts'
import { PromotionSink } from '#streams/clickhouse/promotion-sink.ts'
import { RevisionSink } from '#streams/clickhouse/revision-sink.ts'
import type { ServerSettings } from '#streams/clickhouse/server-settings.ts'
import type { RowWriter } from '#streams/clickhouse/ports.ts'
import { insertReconciliation } from '#streams/clickhouse/reconciliation-rows.ts'
import { DeadLetterSink, DecisionSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { Sink } from '#streams/clickhouse/sink.ts'
import { openWarehouse } from '#streams/clickhouse/warehouse.ts'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import type { EventLog } from '#streams/ports.ts'
import { followCertificates } from './evolution/follow-certificates.ts'
import { mirrorVault } from './mirror-vault.ts'
import { publishThroughParent } from './monitoring-task.ts'
import { startParityMeter } from './parity/parity-task.ts'
import { startMonitoring } from './monitoring.ts'
import { returnFreedMemory } from './native-memory.ts'
import { startReconciliation, type Reconciliation } from './reconciliation.ts'
import { startRevisions } from './revisions.ts'
import { warehouseLogger as logger } from './warehouse-logger.ts'
import { tellAlive } from './warehouse-alive.ts'
import { type WarehouseOptions, warehouseOptions } from './warehouse-options.ts'
import { serveSql } from './warehouse-sql.ts'
import { rowsIn, type Tables } from './warehouse-tables.ts'
import { FOLLOWED_TOPICS, progressOf, type RunningWarehouse } from './warehouse-progress.ts'
import type { WarehouseMessage } from './warehouse-supervisor.ts'

const MEBI = 1024 * 1024
const PROGRESS_MS = 500
/** Per topic. A second of the engine at full speed: monitoring reads a quarter of a second behind it, and whoever misses the tail parses blocks again. */
const TAIL_BYTES = 4 * MEBI
/** How often a log that is not there yet is looked for. */
const POLL_MS = 500
/** Rows wait for company far longer: looking more often would only take turns from the engine. */
const FOLLOW_MS = 20
/** Rows of the reconciler are written when its figures changed, at most this often. */
const RECONCILIATION_ROWS_MS = 10_000

const tell = (message: WarehouseMessage): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** The engine may still be making its log: this process starts first. */
const waitFor = async (path: string, running: RunningWarehouse): Promise<boolean> => {
  while (!existsSync(path) && !running.stopped.signal.aborted) await delay(POLL_MS / 10)
  return !running.stopped.signal.aborted
}

const openLog = async ({ dataDir, kafka }: WarehouseOptions, running: RunningWarehouse): Promise<EventLog | undefined> => {
  // Clients of servers are loaded where they are used.
  if (kafka !== undefined) {
    const { openKafkaLog } = await import('#streams/kafka/event-log.ts')
    return openKafkaLog({ ...kafka, logger, readBytesMax: 16 * MEBI, registryAway: 'waits' })
  }
  const folder = join(dataDir, 'log')
  for (const topic of FOLLOWED_TOPICS) if (!(await waitFor(join(folder, topic), running))) return undefined
  const { partitions } = readFormat(dataDir)
  return openReadOnly({
    folder,
    partitions: topicPartitions(partitions),
    topics: FOLLOWED_TOPICS,
    pollMs: FOLLOW_MS,
    tailBytesMax: TAIL_BYTES,
    blockBytesMax: 4 * MEBI,
    coldBlocksMax: 1,
  })
}

/** The log is followed from the start, the tables are filled once they are there: the reconciler waits for nobody. */
const follow = async (given: WarehouseOptions, running: RunningWarehouse, opening: Promise<Tables | undefined>): Promise<void> => {
  const log = await openLog(given, running)
  if (log === undefined) return
  running.log = log
  if (given.reconciles) running.reconciliation = reconcile(given.dataDir, log, running)
  const tables = await opening
  if (tables === undefined) return
  const { patience } = running
  running.sinks = [new EventSink(), new DecisionSink(), new DeadLetterSink(), new PromotionSink(), new RevisionSink()].map(
    (sink) => new Sink({ log, sink, ...tables.writer(), database: tables.database, logger, now: () => Date.now(), patience }),
  )
  const { dataDir, monitoring: task, revisions, parity } = given
  const publish = publishThroughParent()
  if (task !== undefined) running.monitoring = startMonitoring({ ...task, log, tables, dataDir, publish, logger })
  if (revisions !== undefined) running.revisions = startRevisions({ ...revisions, log, dataDir, publish, logger })
  if (parity !== undefined) running.parity = startParityMeter(parity, { tables, facts: given.facts, logger })
  const { monitoring, revisions: late, parity: meter } = running
  await Promise.all([...running.sinks.map((sink) => sink.run()), monitoring?.done, late?.done, meter?.run()])
}

/** The reconciler lives here, off the pipeline's process, and leaves its figures in a table. */
const reconcile = (dataDir: string, log: EventLog, running: RunningWarehouse): Reconciliation => {
  let inserter: RowWriter | undefined
  let writtenAt = Number.NEGATIVE_INFINITY
  let failures = 0
  return startReconciliation({
    log,
    dataDir,
    logger,
    onFailure: fail,
    async changed(reports) {
      inserter ??= running.tables?.writer().inserter
      if (inserter === undefined || performance.now() - writtenAt < RECONCILIATION_ROWS_MS) return false
      writtenAt = performance.now()
      // Rows may wait for better times; the figures themselves go on.
      await insertReconciliation(inserter, reports, Date.now()).catch((error: unknown) =>
        logger.warn({ err: error, failures: ++failures }, 'the reconciler’s rows could not be written'),
      )
      return true
    },
  })
}

const mirror = async (dataDir: string, running: RunningWarehouse, opening: Promise<Tables | undefined>): Promise<void> => {
  const folder = join(dataDir, 'vault')
  // The engine makes the vault and its key; a second maker would make a second key.
  if (!(await waitFor(join(folder, 'master.key'), running)) || !(await waitFor(join(folder, 'rows'), running))) return
  const tables = await opening
  const { patience, stopped } = running
  if (tables !== undefined) await mirrorVault(folder, tables, { patience, stopped: stopped.signal, logger })
}

/** Features and models in force. Returns the file's time, by which it is seen whether it has changed. */
const tellFacts = async (file: string, tables: Tables): Promise<number> => {
  const { mtimeMs } = statSync(file)
  await insertFacts(tables.writer().inserter, JSON.parse(readFileSync(file, 'utf8')) as Facts, Date.now())
  return mtimeMs
}

/** The engine writes the file anew when a model is published or an alias moves. */
const followFacts = async (file: string, told: number, tables: Tables, running: RunningWarehouse): Promise<void> => {
  let seen = told
  while (!running.stopped.signal.aborted) {
    if (statSync(file).mtimeMs !== seen) seen = await tellFacts(file, tables)
    await delay(POLL_MS)
  }
}

const stop = async (running: RunningWarehouse): Promise<void> => {
  if (running.stopped.signal.aborted) return
  running.stopped.abort()
  alive.ending()
  for (const sink of running.sinks) sink.stop()
  running.monitoring?.stop()
  running.revisions?.stop()
  running.parity?.stop()
  await running.reconciliation?.stop()
  await Promise.allSettled(running.work)
  running.sql?.close()
  await running.log?.close()
  await running.tables?.close()
  process.exit(0)
}

const fail = (error: unknown): void => {
  const code = (error as { code?: unknown }).code
  const message = error instanceof Error ? error.message : String(error)
  process.exitCode = 1
  logger.error({ code }, message)
  const told: WarehouseMessage = { kind: 'error', code: typeof code === 'string' ? code : 'warehouse-failed', message }
  // The message must leave before the process does.
  if (process.connected && process.send !== undefined) process.send(told, undefined, undefined, () => process.exit(1))
  else process.exit(1)
}

const begin = (sql: SqlServer | undefined, tables: Tables | undefined, patience: RunningWarehouse['patience']): RunningWarehouse => ({
  tables,
  sql,
  away: null,
  patience,
  stopped: new AbortController(),
  sinks: [],
  log: undefined,
  reconciliation: undefined,
  monitoring: undefined,
  revisions: undefined,
  parity: undefined,
  work: [],
})

/** Of calls into chDB; a server's client has time limits of its own. */
let oldestCallMs = (): number => 0
const alive = tellAlive(() => tell({ kind: 'alive', oldestCallMs: oldestCallMs() }))

/** chDB in this process, and its SQL interface. */
const embedded = async ({ dataDir, host, port }: WarehouseOptions): Promise<RunningWarehouse> => {
  const warehouse = await openWarehouse(dataDir)
  oldestCallMs = () => warehouse.engine.oldestCallMs()
  return begin(serveSql(warehouse, { dataDir, host, port }), { ...warehouse, cluster: null }, 'ends')
}

/** Tables once they are there; undefined where this process was ended before. */
const open = async (running: RunningWarehouse, server: ServerSettings | undefined): Promise<Tables | undefined> => {
  if (server === undefined) return running.tables
  const { signal } = running.stopped
  const away = (reason: string | null): void => {
    running.away = reason === null ? null : { since: running.away?.since ?? Date.now(), reason }
  }
  try {
    const { openServerWarehouse } = await import('#streams/clickhouse/server-warehouse.ts')
    const warehouse = await openServerWarehouse({ settings: server, logger, signal, away })
    running.tables = { ...warehouse, cluster: server.cluster }
    return running.tables
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

const main = async (): Promise<void> => {
  returnFreedMemory()
  const given = warehouseOptions()
  const { dataDir, server, facts } = given
  const running = server === undefined ? await embedded(given) : begin(undefined, undefined, 'waits')
  process.on('SIGTERM', () => void stop(running))
  // Ctrl-C reaches the whole group: the engine decides when this process ends.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => void stop(running))
  let before: ReadonlyMap<string, number> = new Map()
  const opening = open(running, server).then(async (tables) => {
    if (tables === undefined) return undefined
    before = await rowsIn(tables)
    running.work.push(followCertificates(dataDir, tables, { stopped: running.stopped.signal, logger }))
    if (facts !== undefined) running.work.push(followFacts(facts, await tellFacts(facts, tables), tables, running))
    return tables
  })
  if (server === undefined) await opening
  opening.catch(fail)
  running.work.push(follow(given, running, opening), mirror(dataDir, running, opening))
  for (const work of running.work) work.catch(fail)
  const progress = progressOf(running)
  tell({ kind: 'ready', sqlPort: running.sql?.port ?? null })
  setInterval(() => tell(progress(before)), PROGRESS_MS).unref()
}

main().catch(fail)
