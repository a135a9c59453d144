import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Scorer } from '#scoring/scorer.ts'
import { plainInterventional } from '#scoring/shap/plain-interventional.ts'
import { application } from './fixture.ts'

const models = new URL('../../models/', import.meta.url).pathname
const bundle = resolve(models, 'credit@champion')
const { manifest, directory } = bundle
const d = manifest.features.length
const rows = new Float32Array(new Uint8Array(readFileSync(join(directory, manifest.background.file))).buffer)

describe('the bundle and the policy that ship', () => {
  let scorer: Scorer
  beforeAll(async () => {
    scorer = await loadScorer({ bundleDir: directory, policyPath: join(models, 'policy.yaml'), featureSet: creditFeatureSet })
  })
  test('load together, and carry the hash the registry gives the bundle', () => {
    expect(scorer.bundleHash).toBe(bundle.bundleHash)
  })
  test('give every background row a verdict whose attributions add up', () => {
    for (let r = 0; r < manifest.background.rows; r++) {
      const verdict = scorer.decide(application, rows, r * d, null)
      expect(Math.abs(verdict.residual)).toBeLessThanOrEqual(1e-6)
      expect(verdict.degraded).toBeNull()
      expect(verdict.reasons.length).toBeLessThanOrEqual(4)
    }
  })
  test('attribute as the plain twins would, member by member', () => {
    for (let r = 0; r < 3; r++) {
      const expected = new Float64Array(d)
      for (const { file, weight } of manifest.members) {
        const member = readTreeEnsembleOnnx(readFileSync(join(directory, file)))
        for (const [j, value] of plainInterventional(member, rows, rows, r * d).entries()) expected[j] = expected[j]! + weight * value
      }
      const { attributions } = scorer.decide(application, rows, r * d, null)
      expect(Math.max(...attributions.map((value, j) => Math.abs(value - expected[j]!)))).toBeLessThan(1e-7)
    }
  })
})
