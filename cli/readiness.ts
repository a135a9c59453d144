/** What `/readyz` says: whether an event sent here now would be kept and decided soon. */
import { accessSync, constants, statfsSync } from 'node:fs'
import type { Readiness } from '#gateway/ports.ts'
import type { EngineFace } from '#streams/engine-face.ts'
import type { EventLog } from '#streams/ports.ts'
import type { WarehouseStatus } from './warehouse-supervisor.ts'

/** More events than this not yet folded: sent elsewhere, a caller would be answered sooner. */
const LAG_READY_MAX = 100_000
/** Less room than this is filled in seconds at full speed. */
const FREE_BYTES_MIN = 64 * 1024 * 1024

export interface ReadinessSources {
  readonly engine: EngineFace
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

/** A process without partitions is ready too: what it takes is decided elsewhere. */
const engineCheck = (engine: EngineFace): Check => {
  if (!engine.running) return { name: 'engine', ok: false, detail: 'stopped' }
  const { vacant } = engine
  if (vacant.length === 0) return { name: 'engine', ok: true, detail: `works on ${engine.positions().size} partitions` }
  return { name: 'engine', ok: false, detail: `takes over partitions ${vacant.join(', ')}` }
}

const warehouseDetail = (status: WarehouseStatus | undefined, now: number): string => {
  if (status === undefined) return 'off'
  const away = status.away === null ? '' : `, server away for ${Math.round((now - status.away.since) / 1000)} s (${status.away.reason})`
  return `${status.state}, ${status.lag} records behind${away}`
}

export const readinessOf = async ({ engine, log, folder, warehouse, now }: ReadinessSources): Promise<Readiness> => {
  const lag = engine
    .lag()
    .values()
    .reduce((sum, one) => sum + one, 0)
  const checks: Check[] = [
    engineCheck(engine),
    await logCheck(log, folder),
    { name: 'lag', ok: lag <= LAG_READY_MAX, detail: `${lag} events not folded yet` },
    // The warehouse only grows its lag while it is away: decisions do not wait for it.
    { name: 'warehouse', ok: true, detail: warehouseDetail(warehouse(), now()) },
  ]
  return { ready: checks.every((check) => check.ok), checks }
}
