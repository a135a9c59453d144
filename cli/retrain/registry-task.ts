/**
 * Work on the registry beside a serving engine. Hashing bundles, flushing files and parsing manifests take tens of milliseconds on a busy disk;
 * they are done on a thread of their own, one task at a time and in order.
 */
import { Worker } from 'node:worker_threads'
import type { GateReport } from '#registry/gate-report.ts'
import type { Attribution } from '#registry/promotion-ledger.ts'

export type RegistryTask =
  /** Writes how a bundle fared. */
  | { readonly kind: 'report'; readonly directory: string; readonly report: GateReport }
  /** Makes a version the champion, once its files are verified, and records who did it and why. */
  | { readonly kind: 'promote'; readonly modelsDir: string; readonly name: string; readonly version: string; readonly by: Attribution }
  /** Rewrites what the warehouse is told of features and models. */
  | { readonly kind: 'facts'; readonly dataDir: string; readonly modelsDir: string; readonly featureSetHash: string }

let last: Promise<unknown> = Promise.resolve()

const run = (task: RegistryTask): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('registry-thread.ts', import.meta.url), { workerData: task })
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })

/** Rejects as the task throws. */
export const doRegistryTask = (task: RegistryTask): Promise<void> => {
  const done = last.then(() => run(task))
  last = done.catch(() => {})
  return done
}
