/**
 * Monitoring alone over a recorded log, in a process of its own; one line of JSON tells what it used of the machine:
 *
 *   node bench/monitoring-alone.ts DATA-DIR on|off SCRATCH
 *
 * `off` loads and opens the same and reads nothing: what is left between the two is monitoring's, garbage collection and compilation included.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Value } from 'typebox/value'
import type { ReferenceOf } from '#monitoring/drift/reference.ts'
import type { Findings } from '#monitoring/findings.ts'
import { Monitor, type MonitorState, monitorState } from '#monitoring/monitor.ts'
import { MonitoringSettings } from '#monitoring/settings.ts'
import { readManifest } from '#registry/resolve.ts'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { warehouseLogger } from '../cli/warehouse-logger.ts'
import { checkpointFile } from '#streams/monitoring/checkpoint-file.ts'
import { MonitorRunner } from '#streams/monitoring/monitor-runner.ts'

const MEBI = 1024 * 1024
const LOOK_MS = 5
const MODELS = join(import.meta.dirname, '../models')

export interface Alone {
  /** CPU time of the whole process, user and system, all threads. */
  readonly cpuS: number
  readonly rssBytes: number
  /** Events in the log, and of them those looked at. */
  readonly events: number
  readonly looked: number
  readonly decisions: number
  readonly rows: number
}

const referenceOf: ReferenceOf = (modelVersion) => {
  const [name, version] = modelVersion.split('@')
  const { manifest } = readManifest(join(MODELS, name ?? '', version ?? ''))
  return {
    modelVersion,
    features: manifest.reference,
    score: manifest.scoreReference,
    rows: manifest.data.rows - manifest.data.holdoutRows,
  }
}

const main = async ([dataDir = '', mode = '', scratch = '']: readonly string[]): Promise<Alone> => {
  const { partitions } = readFormat(dataDir)
  // As the warehouse process opens it, but with all of it in memory: live, monitoring reads the newest records there.
  const log = openReadOnly({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(partitions),
    topics: ['credit-events', 'decisions', 'alerts'],
    pollMs: 20,
    tailBytesMax: 1024 * MEBI,
    blockBytesMax: 4 * MEBI,
    coldBlocksMax: 1,
  })
  const settings = Value.Default(MonitoringSettings, {}) as MonitoringSettings
  let rows = 0
  const count = (found: Findings): void => {
    for (const some of Object.values(found) as (readonly unknown[])[]) rows += some.length
  }
  const monitor = new Monitor(settings, referenceOf, monitorState(log.partitions('credit-events')))
  const runner = new MonitorRunner<MonitorState>({
    log,
    // What an earlier run left is no beginning.
    checkpoints: { ...checkpointFile(join(scratch, 'monitoring.checkpoint')), load: () => undefined },
    monitor: () => monitor,
    deliver: async () => count(monitor.take()),
    logger: warehouseLogger,
    now: () => Date.now(),
  })
  if (mode === 'on') {
    const running = runner.run()
    while (runner.lag() > 0) await delay(LOOK_MS)
    runner.stop()
    await running
    if (runner.rejected > 0) throw new Error(`${runner.rejected} records of the recorded log did not decode`)
  }
  await log.close()
  const { user, system } = process.cpuUsage()
  const { events: looked, decisions } = monitor.state.figures
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024
  const events = log.end('credit-events').reduce((sum, end) => sum + end, 0)
  return { cpuS: (user + system) / 1e6, rssBytes: rss, events, looked, decisions, rows }
}

process.stdout.write(`${JSON.stringify(await main(process.argv.slice(2)))}\n`)
