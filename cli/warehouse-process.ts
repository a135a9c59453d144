/**
 * The warehouse in a process of its own: follows the logs, fills the tables, answers SQL. Started by `warehouse-supervisor.ts`:
 *
 *   node cli/warehouse-process.ts --data-dir DIR [--sql-host 127.0.0.1] [--sql-port 8123] [--facts FILE] [--monitoring JSON]
 *
 * With `--monitoring` (a `MonitoringTask`) it watches what it stores, too: it follows the logs anyway, and stands behind the engine.
 *
 * `SCORESTREAM_SQL_USER` and `SCORESTREAM_SQL_PASSWORD` make SQL clients sign in. Messages to the parent: `WarehouseMessage`. Ends on
 * SIGTERM, or when the parent is gone.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startSqlServer, type SqlServer } from '#gateway/sql/sql-server.ts'
import { insertFacts, type Facts } from '#streams/clickhouse/facts.ts'
import { ProtectedSink } from '#streams/clickhouse/protected-sink.ts'
import { PromotionSink } from '#streams/clickhouse/promotion-sink.ts'
import { DeadLetterSink, DecisionSink, EventSink } from '#streams/clickhouse/row-sinks.ts'
import { Sink } from '#streams/clickhouse/sink.ts'
import { openWarehouse, type OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly, type EventLogFollower } from '#streams/embedded/event-log-follower.ts'
import { openVault } from '#streams/embedded/vault.ts'
import type { Logger } from '#streams/logger.ts'
import type { Topic } from '#streams/ports.ts'
import { type RunningMonitoring, startMonitoring } from './monitoring.ts'
import { type MonitoringTask, publishThroughParent } from './monitoring-task.ts'
import type { WarehouseMessage } from './warehouse-supervisor.ts'

/** Tables of the warehouse that the SQL port never shows. */
const HIDDEN = ['protected', 'migrations']
const MEBI = 1024 * 1024
const PROGRESS_MS = 500
/** How often the vault is looked into, and a log that is not there yet looked for. */
const POLL_MS = 500
/** Rows wait for company far longer: looking more often would only take turns from the engine. */
const FOLLOW_MS = 20
const TOPICS: readonly Topic[] = ['credit-events', 'decisions', 'dead-letters', 'model-events']

const tell = (message: WarehouseMessage): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

/** Lines of JSON on standard error, as the engine's logger writes them. */
const logger: Logger = Object.fromEntries(
  (['debug', 'info', 'warn', 'error'] as const).map((level, index) => [
    level,
    (facts: { readonly err?: unknown }, message: string) => {
      if (index < 2) return
      const err = facts.err instanceof Error ? { type: facts.err.name, message: facts.err.message } : facts.err
      process.stderr.write(
        `${JSON.stringify({ level, time: Date.now(), name: 'warehouse', msg: message, ...facts, ...(err === undefined ? {} : { err }) })}\n`,
      )
    },
  ]),
) as unknown as Logger

interface Running {
  readonly warehouse: OpenWarehouse
  readonly server: SqlServer
  sinks: Sink[]
  log: EventLogFollower | undefined
  monitoring: RunningMonitoring | undefined
  stopping: boolean
  readonly work: Promise<void>[]
}

const options = (): { dataDir: string; host: string; port: number; facts: string | undefined; monitoring: MonitoringTask | undefined } => {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      'sql-host': { type: 'string', default: '127.0.0.1' },
      'sql-port': { type: 'string', default: '8123' },
      facts: { type: 'string' },
      monitoring: { type: 'string' },
    },
  })
  const port = Number(values['sql-port'])
  if (values['data-dir'] === undefined) throw Object.assign(new Error('--data-dir is required'), { code: 'usage' })
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw Object.assign(new Error(`--sql-port takes 0 to 65535, got ${values['sql-port']}`), { code: 'usage' })
  return { dataDir: values['data-dir'], host: values['sql-host'], port, facts: values.facts, monitoring: parsedTask(values.monitoring) }
}

const parsedTask = (json: string | undefined): MonitoringTask | undefined =>
  json === undefined ? undefined : (JSON.parse(json) as MonitoringTask)

const serve = (warehouse: OpenWarehouse, host: string, port: number): SqlServer => {
  const password = process.env['SCORESTREAM_SQL_PASSWORD']
  return startSqlServer({
    engine: warehouse.engine,
    host,
    port,
    database: warehouse.database,
    hidden: HIDDEN,
    credentials: password === undefined || password === '' ? null : { user: process.env['SCORESTREAM_SQL_USER'] ?? 'default', password },
    allowedHosts: [],
    logger,
    now: () => performance.now(),
  })
}

/** The engine may still be making its log: this process starts first. */
const waitFor = async (path: string, running: Running): Promise<boolean> => {
  while (!existsSync(path) && !running.stopping) await delay(POLL_MS / 10)
  return !running.stopping
}

const openLog = async (dataDir: string, running: Running): Promise<EventLogFollower | undefined> => {
  const folder = join(dataDir, 'log')
  for (const topic of TOPICS) if (!(await waitFor(join(folder, topic), running))) return undefined
  const { partitions } = readFormat(dataDir)
  return openReadOnly({
    folder,
    partitions: topicPartitions(partitions),
    topics: TOPICS,
    pollMs: FOLLOW_MS,
    tailBytesMax: MEBI,
    blockBytesMax: 4 * MEBI,
  })
}

const follow = async (dataDir: string, task: MonitoringTask | undefined, running: Running): Promise<void> => {
  const { warehouse } = running
  const log = await openLog(dataDir, running)
  if (log === undefined) return
  running.log = log
  running.sinks = [new EventSink(), new DecisionSink(), new DeadLetterSink(), new PromotionSink()].map(
    (sink) => new Sink({ log, sink, ...warehouse.writer(), database: warehouse.database, logger, now: () => Date.now() }),
  )
  if (task !== undefined)
    running.monitoring = startMonitoring({ ...task, log, warehouse, dataDir, publish: publishThroughParent(), logger })
  await Promise.all([...running.sinks.map((sink) => sink.run()), running.monitoring?.done])
}

const mirrorVault = async (dataDir: string, running: Running): Promise<void> => {
  const folder = join(dataDir, 'vault')
  // The engine makes the vault and its key; a second maker would make a second key.
  if (!(await waitFor(join(folder, 'master.key'), running)) || !(await waitFor(join(folder, 'rows'), running))) return
  const vault = openVault(folder)
  const sink = new ProtectedSink({
    source: vault,
    ...running.warehouse.writer(),
    database: running.warehouse.database,
    now: () => Date.now(),
  })
  while (!running.stopping) if (!(await sink.step())) await delay(POLL_MS)
  await vault.close()
}

/** Features and models in force. Returns the file's time, by which it is seen whether it has changed. */
const tellFacts = async (file: string, { warehouse }: Running): Promise<number> => {
  const { mtimeMs } = statSync(file)
  await insertFacts(warehouse.writer().inserter, JSON.parse(readFileSync(file, 'utf8')) as Facts, Date.now())
  return mtimeMs
}

/** The engine writes the file anew when a model is published or an alias moves. */
const followFacts = async (file: string, told: number, running: Running): Promise<void> => {
  let seen = told
  while (!running.stopping) {
    if (statSync(file).mtimeMs !== seen) seen = await tellFacts(file, running)
    await delay(POLL_MS)
  }
}

/** Rows per table: those found at start and those inserted since. */
const progressOf = async (running: Running): Promise<() => WarehouseMessage> => {
  const { connection } = running.warehouse.writer()
  const found = await connection.rows<{ name: string; rows: number }>(
    `SELECT name, total_rows AS rows FROM system.tables WHERE database = '${running.warehouse.database}' AND name IN ('events', 'decisions', 'outcomes', 'dead_letters')`,
  )
  const before = new Map(found.map(({ name, rows }) => [name, rows]))
  return () => {
    const rows: Record<string, number> = Object.fromEntries(before)
    let lag = 0
    for (const status of running.sinks.map((sink) => sink.status())) {
      lag += status.lag
      for (const [table, count] of Object.entries(status.rows)) rows[table] = (rows[table] ?? 0) + count
    }
    return { kind: 'progress', rows, lag, rssBytes: process.memoryUsage.rss(), monitoring: running.monitoring?.status() ?? null }
  }
}

const stop = async (running: Running): Promise<void> => {
  if (running.stopping) return
  running.stopping = true
  for (const sink of running.sinks) sink.stop()
  running.monitoring?.stop()
  await Promise.allSettled(running.work)
  running.server.close()
  await running.log?.close()
  await running.warehouse.close()
  process.exit(0)
}

const fail = (error: unknown): void => {
  const code = (error as { code?: unknown }).code
  const message = error instanceof Error ? error.message : String(error)
  process.exitCode = 1
  process.stderr.write(`${JSON.stringify({ level: 'error', time: Date.now(), name: 'warehouse', msg: message })}\n`)
  const told: WarehouseMessage = { kind: 'error', code: typeof code === 'string' ? code : 'warehouse-failed', message }
  // The message must leave before the process does.
  if (process.connected && process.send !== undefined) process.send(told, undefined, undefined, () => process.exit(1))
  else process.exit(1)
}

const main = async (): Promise<void> => {
  const { dataDir, host, port, facts, monitoring } = options()
  const warehouse = await openWarehouse(dataDir)
  const server = serve(warehouse, host, port)
  const running: Running = { warehouse, server, sinks: [], log: undefined, monitoring: undefined, stopping: false, work: [] }
  process.on('SIGTERM', () => void stop(running))
  // Ctrl-C reaches the whole group: the engine decides when this process ends.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => void stop(running))
  if (facts !== undefined) running.work.push(followFacts(facts, await tellFacts(facts, running), running))
  const progress = await progressOf(running)
  running.work.push(follow(dataDir, monitoring, running), mirrorVault(dataDir, running))
  for (const work of running.work) work.catch(fail)
  tell({ kind: 'ready', sqlPort: server.port })
  setInterval(() => tell(progress()), PROGRESS_MS).unref()
}

main().catch(fail)
