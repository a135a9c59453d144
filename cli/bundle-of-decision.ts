/** The bundle and policy that made a past decision, wherever champion and configuration point today. */
import { resolve } from '#registry/resolve.ts'
import type { AttributionKind } from '#scoring/ensemble.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Scorer } from '#scoring/scorer.ts'
import type { Decision } from '#schemas/decision.ts'
import type { Config } from './config.ts'
import { requireFeatureSet } from './feature-sets.ts'
import { archivedPolicy } from './policy-archive.ts'

export interface BundlePlace {
  readonly dataDir: string
  readonly modelsDir: string
  readonly explain: AttributionKind
  /** Where another process decided, its policy may be the configured one. */
  readonly policy?: Config['policy']
}

/** @throws where bundle or policy are gone, changed, or of another feature set. */
export const scorerOfDecision = ({ body }: Decision, { modelsDir, explain, ...place }: BundlePlace): Promise<Scorer> => {
  const { directory } = resolve(modelsDir, body.modelVersion)
  const policyPath = archivedPolicy(place, body.policyVersion)
  const { set } = requireFeatureSet(body.featureSetHash, `decision ${body.partition}-${body.offset}`)
  return loadScorer({ bundleDir: directory, policyPath, featureSet: set, attribution: explain })
}
