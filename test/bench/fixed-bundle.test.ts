import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { treeDepth } from '#registry/onnx/tree-ensemble.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import { FIXED_DEPTH, FIXED_TREES, publishFixedBundle } from '../../bench/fixed-bundle.ts'

const ROOT = join(import.meta.dirname, '../..')
const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'fixed-bundle-')))
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

test('the fixed model has 300 trees of depth 6, is the same each time, and passes every gate of a real bundle', async () => {
  const versions = folders.map((folder) => publishFixedBundle(join(ROOT, 'models'), folder))
  expect(versions[0]).toBe(versions[1])
  const { directory } = resolve(folders[0]!, 'credit@champion')
  const { trees } = readTreeEnsembleOnnx(readFileSync(join(directory, 'trees.onnx')))
  expect(trees).toHaveLength(FIXED_TREES)
  expect(Math.max(...trees.map((tree) => treeDepth(tree)))).toBe(FIXED_DEPTH)
  const scorer = await loadScorer({ bundleDir: directory, policyPath: join(ROOT, 'models/policy.yaml'), featureSet: creditFeatureSet })
  expect(scorer.modelVersion).toBe(`credit@${versions[0]}`)
})
