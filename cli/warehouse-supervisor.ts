/** Runs the warehouse in a process of its own, behind the engine in the scheduler, and brings it back when it dies or hangs. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from 'pino'
import type { MonitoringStatus, Publish } from './monitoring.ts'
import type { ParityFigures } from '#streams/clickhouse/parity-meter.ts'
import type { RevisionFigures } from '#streams/revisions/revision-runner.ts'
import type { ReconcilerTotals } from '#streams/reconciler/reconciler.ts'
import { ALIVE_MS, PATIENCE, type Patience, STOP_MS_MAX, WarehouseWatchdog } from './warehouse-watchdog.ts'

/** Below the engine's 0: on a busy machine rows arrive later, decisions do not. */
const NICENESS = 10
/** A warehouse that dies at once is given longer each time, up to this. */
const RESTART_DELAY_MS_MAX = 10_000

/** What the process says of itself over the channel. */
export type WarehouseMessage =
  /** Told from its first moment on; ms of the native call that has been under way longest. */
  | { readonly kind: 'alive'; readonly oldestCallMs: number }
  | { readonly kind: 'ready'; /** Null where a ClickHouse server answers SQL itself. */ readonly sqlPort: number | null }
  | {
      readonly kind: 'progress'
      readonly rows: Readonly<Record<string, number>>
      readonly lag: number
      readonly rssBytes: number
      readonly reconciliation: ReconcilerTotals | null
      readonly away: WarehouseStatus['away']
      readonly monitoring: MonitoringStatus | null
      readonly revisions: RevisionFigures | null
      readonly parity: ParityFigures | null
    }
  /** Records that monitoring wants in the log; answered by `PublishedMessage`. */
  | { readonly kind: 'publish'; readonly id: number; readonly topic: Parameters<Publish>[0]; readonly base64: readonly string[] }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }

/** What the engine answers. */
export interface PublishedMessage {
  readonly kind: 'published'
  readonly id: number
  /** Why nothing was appended; null where all is durable. */
  readonly error: string | null
}

export interface WarehouseStatus {
  readonly state: 'starting' | 'ready' | 'restarting' | 'stopped'
  readonly sqlPort: number | null
  readonly rows: Readonly<Record<string, number>>
  /** Records of the logs not yet in the warehouse. */
  readonly lag: number
  readonly rssBytes: number
  readonly restarts: number
  /** How often it was killed because it hung. */
  readonly hangs: number
  /** Of the process that runs now. */
  readonly pid: number | undefined
  /** What the reconciler counts, which lives in that process; null before its first word. */
  readonly reconciliation: ReconcilerTotals | null
  /** Since when (wall clock, ms) and why a ClickHouse server cannot be reached; null while it can. */
  readonly away: { readonly since: number; readonly reason: string } | null
  /** What monitoring says of itself; null where it does not run. */
  readonly monitoring: MonitoringStatus | null
  /** What the search for late events has found; null where it does not run. */
  readonly revisions: RevisionFigures | null
  /** What the parity meter found lately; null where it does not run. */
  readonly parity: ParityFigures | null
}

export interface SupervisedWarehouse {
  status(): WarehouseStatus
  /** Resolves at the first readiness, with the SQL port where this process serves SQL; rejects if the very first start fails. */
  ready: Promise<number | null>
  stop(): Promise<void>
}

export interface SupervisorOptions {
  readonly args: readonly string[]
  readonly logger: Logger
  /** Only the engine appends to its log; absent where nothing is watched. */
  readonly publish?: Publish
  /** Takes the lines of its log, each ended by a newline; by default they go to this process's standard error as they are. */
  readonly heard?: (line: string) => void
  readonly patience?: Patience
}

const refusePublishing: Publish = () => Promise.reject(new Error('nothing is published here: the log is open for reading alone'))

export const superviseWarehouse = ({
  args,
  logger,
  publish = refusePublishing,
  heard,
  patience = PATIENCE,
}: SupervisorOptions): SupervisedWarehouse => {
  let status: WarehouseStatus = {
    state: 'starting',
    sqlPort: null,
    rows: {},
    lag: 0,
    rssBytes: 0,
    restarts: 0,
    hangs: 0,
    pid: undefined,
    reconciliation: null,
    away: null,
    monitoring: null,
    revisions: null,
    parity: null,
  }
  let child: ChildProcess | undefined
  const watchdog = new WarehouseWatchdog(patience)
  let stopping = false
  let timer: NodeJS.Timeout | undefined
  let lastError: { code: string; message: string } | undefined
  const { promise: ready, resolve: firstReady, reject: firstFailed } = Promise.withResolvers<number | null>()
  ready.catch(() => {})

  const onMessage = (message: WarehouseMessage): void => {
    switch (message.kind) {
      case 'alive':
        watchdog.heard(message.oldestCallMs)
        break
      case 'ready':
        status = { ...status, state: 'ready', sqlPort: message.sqlPort }
        watchdog.ready()
        firstReady(message.sqlPort)
        break
      case 'progress':
        status = {
          ...status,
          rows: message.rows,
          lag: message.lag,
          rssBytes: message.rssBytes,
          reconciliation: message.reconciliation ?? status.reconciliation,
          away: message.away,
          monitoring: message.monitoring,
          revisions: message.revisions,
          parity: message.parity,
        }
        break
      case 'publish':
        void append(message)
        break
      case 'error':
        lastError = message
        logger.error({ code: message.code }, `warehouse: ${message.message}`)
        break
      default:
        message satisfies never
    }
  }

  const append = async ({ id, topic, base64 }: Extract<WarehouseMessage, { kind: 'publish' }>): Promise<void> => {
    const asked = child
    const error = await publish(
      topic,
      base64.map((text) => Buffer.from(text, 'base64')),
    ).then(
      () => null,
      (reason: unknown) => (reason instanceof Error ? reason.message : String(reason)),
    )
    const answer: PublishedMessage = { kind: 'published', id, error }
    // Who has died meanwhile asks again after its restart.
    if (asked?.connected === true) asked.send(answer, () => {})
  }

  const launch = (): void => {
    const started = fork(join(import.meta.dirname, 'warehouse-process.ts'), args, {
      stdio: ['ignore', 'ignore', heard === undefined ? 'inherit' : 'pipe', 'ipc'],
      // Few malloc arenas and a small young generation keep its memory flat: measured 563 MB at most instead of 628 MB.
      env: { ...process.env, UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2' },
      execArgv: ['--max-semi-space-size=4', '--v8-pool-size=1'],
    })
    child = started
    watchdog.reset()
    status = { ...status, pid: started.pid }
    if (heard !== undefined && started.stderr !== null) createInterface(started.stderr).on('line', (line) => heard(`${line}\n`))
    if (started.pid !== undefined) setPriority(started.pid, NICENESS)
    started.on('message', (message) => onMessage(message as WarehouseMessage))
    started.on('error', (error) => logger.error({ err: error }, 'warehouse process could not be started'))
    started.on('exit', (code, signal) => {
      child = undefined
      status = { ...status, pid: undefined }
      if (stopping) return
      const why = lastError?.message ?? `the warehouse process ended at start (exit ${String(code ?? signal)})`
      if (status.state === 'starting') {
        firstFailed(Object.assign(new Error(why), { code: lastError?.code ?? 'warehouse-failed' }))
        status = { ...status, state: 'stopped' }
        return
      }
      const delayMs = Math.min(RESTART_DELAY_MS_MAX, 250 * 2 ** Math.min(status.restarts, 6))
      status = { ...status, state: 'restarting', restarts: status.restarts + 1 }
      logger.error({ exit: code, signal, delayMs }, 'warehouse process ended; restarting it')
      timer = setTimeout(launch, delayMs)
    })
  }
  launch()

  /** Killed, not asked: what hangs does not hear. Its rows are resumed from its own highest offset. */
  const looking = setInterval(() => {
    const why = child === undefined || child.killed ? undefined : watchdog.look()
    if (why === undefined) return
    status = { ...status, hangs: status.hangs + 1 }
    lastError = { code: 'warehouse-hung', message: `the warehouse process hangs: ${why}` }
    logger.error({ pid: child?.pid, hangs: status.hangs }, `${lastError.message}; killing it`)
    child?.kill('SIGKILL')
  }, ALIVE_MS).unref()

  return {
    status: () => status,
    ready,
    async stop() {
      stopping = true
      clearTimeout(timer)
      clearInterval(looking)
      status = { ...status, state: 'stopped' }
      const ending = child
      if (ending === undefined) return
      const ended = once(ending, 'exit')
      ending.kill('SIGTERM')
      const killer = setTimeout(() => ending.kill('SIGKILL'), STOP_MS_MAX)
      await ended
      clearTimeout(killer)
    },
  }
}
