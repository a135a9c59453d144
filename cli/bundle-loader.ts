/** How an engine loads the bundles that its configuration names: on the registry's thread, under its policy. */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { parseReference } from '#registry/model-reference.ts'
import { type LoadOrder, loadScorerApart, plainFeatures } from '#scoring/load-apart.ts'
import type { Scorer } from '#scoring/scorer.ts'
import type { Config } from './config.ts'
import type { NamedFeatureSet } from '#features/sets.ts'
import { doRegistryTask, holdRegistryDesk } from './retrain/registry-desk.ts'

export interface BundleLoader {
  /** @throws BundleRefused with a code. */
  readonly load: (bundleDir: string, features: NamedFeatureSet) => Promise<Scorer>
  /** Practises on the bundle that decides, while a successor to it is trained. Returns how to let go. */
  readonly makeReady: (modelVersion: string, features: NamedFeatureSet) => () => void
}

export const bundleLoader = ({ models, policy, explain }: Pick<Config, 'models' | 'policy' | 'explain'>): BundleLoader => {
  const prepare = (order: LoadOrder) => doRegistryTask({ kind: 'prepare', order })
  const rules = { policyPath: policy.file, attribution: explain }
  return {
    load: (bundleDir, { set }) => loadScorerApart({ ...rules, bundleDir, featureSet: set, now: () => performance.now(), prepare, turn }),
    makeReady(modelVersion, { set }) {
      const { name, selector } = parseReference(modelVersion)
      return holdRegistryDesk({ ...rules, bundleDir: join(models.dir, name, selector), featureSet: plainFeatures(set) })
    },
  }
}
