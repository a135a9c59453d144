/** What the registry's thread does beside a serving engine, and what it answers. Plain data: it crosses threads. */
import type { GateReport } from '#registry/gate-report.ts'
import type { Attribution } from '#registry/promotion-ledger.ts'
import type { LoadAnswer, LoadOrder } from '#scoring/load-apart.ts'

export type RegistryTask =
  /** Loads modules and a bundle and forgets the bundle: the next one then takes a tenth of the time. */
  | { readonly kind: 'practise'; readonly order: LoadOrder }
  /** Verifies and lays out a bundle that is to decide. */
  | { readonly kind: 'prepare'; readonly order: LoadOrder }
  /** The bundle a reference names, every file verified. */
  | { readonly kind: 'resolve'; readonly modelsDir: string; readonly reference: string }
  /** Writes how a bundle fared. */
  | { readonly kind: 'report'; readonly directory: string; readonly report: GateReport }
  /** Makes a version the champion, once its files are verified, and records who did it and why. */
  | { readonly kind: 'promote'; readonly modelsDir: string; readonly name: string; readonly version: string; readonly by: Attribution }
  /** Rewrites what the warehouse is told of features and models. */
  | { readonly kind: 'facts'; readonly dataDir: string; readonly modelsDir: string; readonly featureSetHash: string }

/** A bundle in the registry and the features it was trained on. */
export interface ResolvedReference {
  readonly directory: string
  readonly featureSetHash: string
}

/** What each kind of task gives. */
export interface RegistryResults {
  readonly practise: undefined
  readonly prepare: LoadAnswer
  readonly resolve: ResolvedReference
  readonly report: undefined
  readonly promote: undefined
  readonly facts: undefined
}

export interface RegistryRequest {
  readonly id: number
  readonly task: RegistryTask
}

export type RegistryAnswer =
  | { readonly id: number; readonly kind: 'done'; readonly result: RegistryResults[RegistryTask['kind']] }
  | { readonly id: number; readonly kind: 'failed'; readonly error: unknown }
