/** What `/readyz` says: whether an event sent here now would be kept and decided soon. */
import { accessSync, constants, statfsSync } from 'node:fs'
import type { Readiness } from '#gateway/ports.ts'
import type { Engine } from '#streams/engine.ts'
import type { EventLog } from '#streams/ports.ts'
import type { WarehouseStatus } from './warehouse-supervisor.ts'

/** More events than this not yet folded: sent elsewhere, a caller would be answered sooner. */
const LAG_READY_MAX = 100_000
/** Less room than this is filled in seconds at full speed. */
const FREE_BYTES_MIN = 64 * 1024 * 1024

export interface ReadinessSources {
  readonly engine: Engine
  readonly log: EventLog
  /** Folder of the log where it lies on this machine. */
  readonly folder: string | undefined
  readonly warehouse: () => WarehouseStatus | undefined
  readonly now: () => number
}

type Check = Readiness['checks'][number]

const logCheck = async (log: EventLog, folder: string | undefined): Promise<Check> => {
  try {
    // Nothing is written, but a log that broke or was closed refuses even that.
    await log.append('credit-events', [])
    if (folder === undefined) return { name: 'log', ok: true, detail: 'takes records' }
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    const free = bavail * bsize
    return { name: 'log', ok: free >= FREE_BYTES_MIN, detail: `takes records, ${Math.floor(free / 1024 / 1024)} MiB free` }
  } catch (error) {
    return { name: 'log', ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

const warehouseDetail = (status: WarehouseStatus | undefined, now: number): string => {
  if (status === undefined) return 'off'
  const away = status.away === null ? '' : `, server away for ${Math.round((now - status.away.since) / 1000)} s (${status.away.reason})`
  return `${status.state}, ${status.lag} records behind${away}`
}

export const readinessOf = async ({ engine, log, folder, warehouse, now }: ReadinessSources): Promise<Readiness> => {
  let lag = 0
  for (const behind of engine.lag().values()) lag += behind
  const checks: Check[] = [
    { name: 'engine', ok: engine.running, detail: engine.running ? 'owns its partitions' : 'stopped' },
    await logCheck(log, folder),
    { name: 'lag', ok: lag <= LAG_READY_MAX, detail: `${lag} events not folded yet` },
    // The warehouse only grows its lag while it is away: decisions do not wait for it.
    { name: 'warehouse', ok: true, detail: warehouseDetail(warehouse(), now()) },
  ]
  return { ready: checks.every((check) => check.ok), checks }
}
