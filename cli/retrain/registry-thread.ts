/** The thread of `registry-task.ts`: one task, then it ends. It steps back before it loads a module, and loads what its task needs. */
import { setPriority } from 'node:os'
import { workerData } from 'node:worker_threads'
import type { RegistryTask } from './registry-task.ts'

/** Behind the engine's thread in the scheduler. */
const NICENESS = 10

const perform = async (task: RegistryTask): Promise<void> => {
  switch (task.kind) {
    case 'report': {
      const { writeGateReport } = await import('#registry/gate-report.ts')
      writeGateReport(task.directory, task.report)
      break
    }
    case 'promote': {
      const { promote } = await import('#registry/promote.ts')
      promote(task.modelsDir, task.name, task.version, 'champion', task.by)
      break
    }
    case 'facts': {
      const { writeFacts } = await import('../facts.ts')
      const { requireFeatureSet } = await import('../feature-sets.ts')
      writeFacts(task.dataDir, requireFeatureSet(task.featureSetHash, 'the set in force'), task.modelsDir)
      break
    }
    default:
      task satisfies never
  }
}

// Linux gives each thread a priority of its own; elsewhere this would be the whole process's.
if (process.platform === 'linux') setPriority(0, NICENESS)
await perform(workerData as RegistryTask)
