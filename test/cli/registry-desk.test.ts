/** The registry's thread: one, for tasks in order, whose failures are told and end nothing. */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorerApart, plainFeatures } from '#scoring/load-apart.ts'
import { doRegistryTask, holdRegistryDesk } from '../../cli/retrain/registry-desk.ts'

const modelsDir = join(import.meta.dirname, '../../models')
const policyPath = join(modelsDir, 'policy.yaml')

test('a held thread practises, says why a task failed, and loads what the registry names', { timeout: 60_000 }, async () => {
  const { directory, manifest } = resolve(modelsDir, 'credit@champion')
  const features = plainFeatures(creditFeatureSet)
  const letGo = holdRegistryDesk({ bundleDir: directory, policyPath, featureSet: features, attribution: 'interventional' })
  try {
    const missing = doRegistryTask({ kind: 'resolve', modelsDir, reference: 'credit@000000000000' })
    const found = doRegistryTask({ kind: 'resolve', modelsDir, reference: 'credit@champion' })
    await expect(missing).rejects.toThrow(/has no version or alias "000000000000"/)
    expect(await found).toEqual({ directory, featureSetHash: manifest.featureSetHash })
    const options = { bundleDir: directory, policyPath, featureSet: creditFeatureSet, turn }
    const scorer = await loadScorerApart({ ...options, prepare: (order) => doRegistryTask({ kind: 'prepare', order }) })
    expect(scorer.modelVersion).toBe(`credit@${manifest.version}`)
    // Refusals keep their code, which a thrown error would lose on the way.
    await expect(
      loadScorerApart({
        ...options,
        bundleDir: join(modelsDir, 'nowhere'),
        prepare: (order) => doRegistryTask({ kind: 'prepare', order }),
      }),
    ).rejects.toMatchObject({ code: 'bundle-unreadable' })
  } finally {
    letGo()
  }
})
