/** The thread of `registry-task.ts`: one task, then it ends. */
import { setPriority } from 'node:os'
import { workerData } from 'node:worker_threads'
import { writeGateReport } from '#registry/gate-report.ts'
import { promote } from '#registry/promote.ts'
import { writeFacts } from '../facts.ts'
import { requireFeatureSet } from '../feature-sets.ts'
import type { RegistryTask } from './registry-task.ts'

/** Behind the engine's thread in the scheduler. */
const NICENESS = 10

const perform = (task: RegistryTask): void => {
  switch (task.kind) {
    case 'report':
      writeGateReport(task.directory, task.report)
      break
    case 'promote':
      promote(task.modelsDir, task.name, task.version, 'champion', task.by)
      break
    case 'facts':
      writeFacts(task.dataDir, requireFeatureSet(task.featureSetHash, 'the set in force'), task.modelsDir)
      break
    default:
      task satisfies never
  }
}

// Linux gives each thread a priority of its own; elsewhere this would be the whole process's.
if (process.platform === 'linux') setPriority(0, NICENESS)
perform(workerData as RegistryTask)
