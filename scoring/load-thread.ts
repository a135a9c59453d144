/**
 * The thread of `load-apart.ts`: verifies and lays out one bundle, reads the policy, hands over its kernel memory, and ends. It steps behind the
 * engine's thread before it loads a module: reading and compiling those is work like the rest.
 */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { LoadOrder } from './load-apart.ts'

/** Behind the engine's thread in the scheduler, before the training it follows. */
const NICENESS = 10

const answer = async (order: LoadOrder): Promise<void> => {
  const { prepareAnswer } = await import('./prepare-answer.ts')
  const told = await prepareAnswer(order)
  parentPort?.postMessage(told, told.kind === 'prepared' ? [told.image] : [])
}

// Linux gives each thread a priority of its own; elsewhere this would be the whole process's.
if (process.platform === 'linux') setPriority(0, NICENESS)
await answer(workerData as LoadOrder)
