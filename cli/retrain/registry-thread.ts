/**
 * The thread of `registry-desk.ts`: tasks in the order they come. It steps behind the engine's thread before it loads a module, and loads what its
 * tasks need.
 */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { LoadOrder } from '#scoring/load-apart.ts'
import type { RegistryAnswer, RegistryRequest, RegistryResults, RegistryTask } from './registry-task.ts'

/** Behind the engine's thread in the scheduler, before the training it follows. */
const NICENESS = 10

const prepare = async (order: LoadOrder): Promise<RegistryResults['prepare']> => {
  const { prepareAnswer } = await import('#scoring/prepare-answer.ts')
  return prepareAnswer(order)
}

const perform = async (task: RegistryTask): Promise<RegistryResults[RegistryTask['kind']]> => {
  switch (task.kind) {
    case 'practise': {
      await Promise.all([
        import('#registry/gate-report.ts'),
        import('#registry/promote.ts'),
        import('../facts.ts'),
        import('../feature-sets.ts'),
      ])
      await prepare(task.order)
      return undefined
    }
    case 'prepare':
      return prepare(task.order)
    case 'resolve': {
      const { resolve } = await import('#registry/resolve.ts')
      const { directory, manifest } = resolve(task.modelsDir, task.reference)
      return { directory, featureSetHash: manifest.featureSetHash }
    }
    case 'report': {
      const { writeGateReport } = await import('#registry/gate-report.ts')
      writeGateReport(task.directory, task.report)
      return undefined
    }
    case 'promote': {
      const { promote } = await import('#registry/promote.ts')
      promote(task.modelsDir, task.name, task.version, 'champion', task.by)
      return undefined
    }
    case 'facts': {
      const { writeFacts } = await import('../facts.ts')
      const { requireFeatureSet } = await import('../feature-sets.ts')
      writeFacts(task.dataDir, requireFeatureSet(task.featureSetHash, 'the set in force'), task.modelsDir)
      return undefined
    }
    default:
      return task satisfies never
  }
}

const answer = async ({ id, task }: RegistryRequest): Promise<void> => {
  let told: RegistryAnswer
  try {
    told = { id, kind: 'done', result: await perform(task) }
  } catch (error) {
    told = { id, kind: 'failed', error }
  }
  // The kernel memory of a bundle is handed over, not copied.
  const image = told.kind === 'done' && told.result !== undefined && 'image' in told.result ? [told.result.image] : []
  parentPort?.postMessage(told, image)
}

// Linux gives each thread a priority of its own; elsewhere this would be the whole process's.
if (process.platform === 'linux') setPriority(0, NICENESS)
let last = Promise.resolve()
parentPort?.on('message', (request: RegistryRequest | undefined) => {
  // Nothing more will come.
  if (request === undefined) parentPort?.close()
  else last = last.then(() => answer(request))
})
