import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { isLeaf, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { readLightGbmText } from '#training/lightgbm/model-text.ts'
import { seededRandom } from '#training/random.ts'
import { peerModel } from '../../bench/cluster/peer-model.ts'
import { publishFixedBundle } from '../../bench/fixed-bundle.ts'

const ROWS = 500

const marginOf = ({ trees, base }: TreeEnsemble, row: Float64Array): number =>
  trees.reduce((sum, tree) => {
    let node = 0
    while (!isLeaf(tree, node)) {
      const value = row[tree.feature[node]!]!
      const goesLeft = Number.isNaN(value) ? tree.missingLeft[node] === 1 : value <= tree.threshold[node]!
      node = goesLeft ? tree.left[node]! : tree.right[node]!
    }
    return sum + tree.leafValue[node]!
  }, base)

test('the model that LightGBM explains for the peer is the one that ONNX Runtime scores for it, missing values and covers included', () => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-model-'))
  try {
    publishFixedBundle(join(import.meta.dirname, '../../models'), folder)
    const properties = peerModel(folder, folder)
    const scored = readTreeEnsembleOnnx(readFileSync(properties['model.onnx'] as string))
    const explained = readLightGbmText(readFileSync(properties['model.lightgbm'] as string, 'utf8'))
    expect(explained.features).toBe(scored.features)
    expect(explained.trees.map(({ cover }) => cover.toSorted())).toEqual(scored.trees.map(({ cover }) => cover.toSorted()))
    const random = seededRandom(7)
    const thresholds = scored.trees.flatMap((tree) => [...tree.threshold].filter((_, node) => !isLeaf(tree, node)))
    for (let n = 0; n < ROWS; n++) {
      const row = Float64Array.from({ length: scored.features }, () =>
        random() < 0.1 ? Number.NaN : thresholds[Math.floor(random() * thresholds.length)]!,
      )
      expect(marginOf(explained, row)).toBe(marginOf(scored, row))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
