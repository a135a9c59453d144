/** Runs the reconciler beside its log for as long as the process lives: wakes on appends, keeps a checkpoint, tells of every change. */
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { readCheckpoint, writeCheckpoint } from '#streams/embedded/json-checkpoint.ts'
import { RetryableFailure } from '#streams/failure.ts'
import type { Logger } from '#streams/logger.ts'
import type { EventLog } from '#streams/ports.ts'
import type { PartitionReport } from '#streams/reconciler/partition-walk.ts'
import { Reconciler, type ReconcilerCheckpoint, type ReconcilerTotals } from '#streams/reconciler/reconciler.ts'

/** Between two rounds while nothing is left to read: the figures are for people and alerts, not for the pipeline. */
const REST_MS = 500
/** How often the place is kept: what is counted after it is counted again by whoever resumes, from the same place. */
const CHECKPOINT_MS = 2_000

export interface Reconciliation {
  totals(): ReconcilerTotals
  reports(): readonly PartitionReport[]
  stop(): Promise<void>
}

export interface ReconciliationOptions {
  readonly log: EventLog
  /** Where the checkpoint lies. */
  readonly dataDir: string
  readonly logger: Logger
  /** Called after each round while it has not taken the newest figures; true once it has. */
  readonly changed?: (reports: readonly PartitionReport[]) => Promise<boolean>
  readonly onFailure: (error: unknown) => void
}

export const startReconciliation = ({ log, dataDir, logger, changed, onFailure }: ReconciliationOptions): Reconciliation => {
  const path = join(dataDir, 'reconciler.json')
  const reconciler = new Reconciler({ log, checkpoint: readCheckpoint<ReconcilerCheckpoint>(path, 1) })
  const stopping = new AbortController()
  let savedAt = performance.now()
  let known = reconciler.totals()
  let untold = true

  /** Without room on the disk the last checkpoint stands: after a restart more is read again, and retention waits. */
  const save = (): void => {
    savedAt = performance.now()
    try {
      writeCheckpoint(path, reconciler.checkpoint())
    } catch (failure) {
      logger.warn({ err: failure, path }, 'the reconciler’s checkpoint could not be written; it is tried again')
      return
    }
    log.release('credit-events', 'reconciler', reconciler.positions('credit-events'))
    log.release('decisions', 'reconciler', reconciler.positions('decisions'))
  }

  const report = async (): Promise<void> => {
    const now = reconciler.totals()
    if (now.lost > known.lost)
      logger.error({ lost: now.lost }, 'applications have neither decision nor dead letter; docs/runbooks/lost-decisions.md')
    if (now.conflicting > known.conflicting)
      logger.error({ conflicting: now.conflicting }, 'decisions contradict one another; docs/runbooks/conflicting-decisions.md')
    untold ||= (Object.keys(now) as (keyof ReconcilerTotals)[]).some((name) => name !== 'lag' && now[name] !== known[name])
    known = now
    if (untold && changed !== undefined) untold = !(await changed(reconciler.reports()))
  }

  /** A log out of reach for a while is asked again: figures wait, and nothing else does. */
  const patiently = (failure: unknown): false => {
    if (!(failure instanceof RetryableFailure)) throw failure
    logger.warn({ code: failure.code, reason: failure.message }, 'the reconciler could not read the logs; it tries again shortly')
    return false
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const read = await reconciler.step(() => nextTurn()).catch(patiently)
      await report()
      if (performance.now() - savedAt > CHECKPOINT_MS) save()
      if (!read) await delay(REST_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
    save()
  }
  const running = run().catch(onFailure)

  return {
    totals: () => known,
    reports: () => reconciler.reports(),
    async stop() {
      stopping.abort()
      await running
    },
  }
}
