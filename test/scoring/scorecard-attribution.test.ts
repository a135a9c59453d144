import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { scorecardAttribution } from '#scoring/scorecard-attribution.ts'
import { plainInterventional } from '#scoring/shap/plain-interventional.ts'
import { plainPathDependent } from '#scoring/shap/plain-path-dependent.ts'
import { background, fixturePath, golden, vectorsOf } from './fixture.ts'
import { andTree } from './random-ensemble.ts'

const scorecard = readTreeEnsembleOnnx(readFileSync(fixturePath('bundle/scorecard.onnx')))
const vectors = vectorsOf(golden.map(({ vector }) => vector))
const attribute = (reference: Float32Array | undefined, row: number): Float64Array => {
  const out = new Float64Array(scorecard.features)
  scorecardAttribution(scorecard, reference).add(vectors, row * scorecard.features, 1, out)
  return out
}
const farthest = (a: Float64Array, b: Float64Array): number => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))

test('an additive scorecard’s attributions are its Shapley values, missing bins included', () => {
  for (let row = 0; row < 5; row++) {
    const at = row * scorecard.features
    expect(farthest(attribute(background(), row), plainInterventional(scorecard, background(), vectors, at))).toBeLessThan(1e-12)
    expect(farthest(attribute(undefined, row), plainPathDependent(scorecard, vectors, at))).toBeLessThan(1e-12)
  }
})

test('a tree over two features is no scorecard', () => {
  expect(() => scorecardAttribution(andTree(), undefined)).toThrow(/tree 0 of the scorecard splits on more than one feature/)
})
