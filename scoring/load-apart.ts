/** Loads a bundle beside a serving engine: all that takes long is done on another thread, and its kernel memory is copied over in slices. */
import { Worker } from 'node:worker_threads'
import { BundleRefused, type RefusalCode } from './bundle-refused.ts'
import type { KnownFeatures } from './bundle.ts'
import type { AttributionKind } from './ensemble.ts'
import { type LoadScorerOptions, type PreparedBundle, scorerAt } from './load-scorer.ts'
import type { Scorer } from './scorer.ts'
import { kernelMemoryOf } from './wasm/kernel-memory.ts'

/** What the loading thread is told. */
export interface LoadOrder {
  readonly bundleDir: string
  readonly policyPath: string
  readonly featureSet: KnownFeatures
  readonly attribution: AttributionKind
}

/** What it answers, once. */
export type LoadAnswer =
  | { readonly kind: 'prepared'; readonly bundle: PreparedBundle; readonly image: ArrayBuffer }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string }

export interface LoadApartOptions extends LoadScorerOptions {
  /** Does it on a thread that is there already; by default one is started for it. */
  readonly prepare?: (order: LoadOrder) => Promise<LoadAnswer>
  /** Lets the event loop go round once. */
  readonly turn: () => Promise<void>
}

/** Of a feature set what crosses threads. */
export const plainFeatures = ({ hash, features }: KnownFeatures): KnownFeatures => ({
  hash,
  features: features.map(({ name }) => ({ name })),
})

const prepareApart = (order: LoadOrder): Promise<LoadAnswer> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('load-thread.ts', import.meta.url), { workerData: order })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the thread that loads ${order.bundleDir} ended (${code}) without an answer`)))
  })

/** As `loadScorer`, without keeping this thread busy for more than about a millisecond at a time. @throws BundleRefused with a code. */
export const loadScorerApart = async (options: LoadApartOptions): Promise<Scorer> => {
  const { bundleDir, policyPath, featureSet, attribution = 'interventional', prepare = prepareApart, turn } = options
  const answer = await prepare({ bundleDir, policyPath, featureSet: plainFeatures(featureSet), attribution })
  if (answer.kind === 'refused') throw new BundleRefused(answer.code, answer.message)
  return scorerAt(await kernelMemoryOf(answer.image, turn), answer.bundle, options)
}
