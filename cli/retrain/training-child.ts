/** Starts the training process behind the engine, with a budget of its own, and waits for what comes of it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import type { TrainedSuccessor, TrainingMessage, TrainingOrder } from './training-order.ts'

/** The kernel gives it what engine and warehouse leave: a decision never waits for a fit. */
const NICENESS = 15
/** After being told to end: a fit inside the library cannot be interrupted. */
const STOP_MS_MAX = 2_000

export interface TrainingBudget {
  readonly heapMebibytes: number
  readonly seconds: number
}

export type TrainingOutcome = TrainedSuccessor | Extract<TrainingMessage, { kind: 'failed' }>

export interface TrainingChild {
  /** Never rejects. */
  readonly outcome: Promise<TrainingOutcome>
  stop(): Promise<void>
}

export const startTraining = (
  order: TrainingOrder,
  budget: TrainingBudget,
  onProgress: (progress: Extract<TrainingMessage, { kind: 'progress' }>) => void,
): TrainingChild => {
  const child = fork(join(import.meta.dirname, 'training-process.ts'), [JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, OMP_NUM_THREADS: String(order.threads), UV_THREADPOOL_SIZE: '2', MALLOC_ARENA_MAX: '2' },
    execArgv: [`--max-old-space-size=${budget.heapMebibytes}`],
  })
  if (child.pid !== undefined) setPriority(child.pid, NICENESS)
  let said: TrainingOutcome | undefined
  child.on('message', (message) => {
    const told = message as TrainingMessage
    if (told.kind === 'progress') onProgress(told)
    else said = told
  })
  const { promise: outcome, resolve } = Promise.withResolvers<TrainingOutcome>()
  const timer = setTimeout(() => {
    said ??= {
      kind: 'failed',
      code: 'out-of-time',
      detail: `training took more than ${budget.seconds} s and was ended; raise retrain.secondsMax`,
    }
    child.kill('SIGKILL')
  }, budget.seconds * 1000)
  child.once('error', (error) => resolve({ kind: 'failed', code: 'not-started', detail: error.message }))
  child.once('exit', (code, signal) => {
    clearTimeout(timer)
    resolve(
      said ?? {
        kind: 'failed',
        code: 'ended',
        detail: `the training process ended without a word (${signal ?? `exit ${code}`}); if memory ran out, raise retrain.heapMebibytes`,
      },
    )
  })
  return {
    outcome,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      said ??= { kind: 'failed', code: 'stopped', detail: 'the engine ended; the request is taken up again at its next start' }
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await ended
      clearTimeout(killer)
    },
  }
}
