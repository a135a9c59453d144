import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { nextFloat32, previousFloat32, roundDownToFloat32 } from '#registry/onnx/float32.ts'
import { decodeOnnxModel, encodeOnnxModel } from '#registry/onnx/onnx-schema.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'

/** A stump on feature 0: -1 where x <= threshold, 2 where greater; missing goes left where asked. */
const stump = (threshold: number, missingLeft: boolean): Tree => {
  const tree = emptyTree(3)
  tree.feature[0] = 0
  tree.threshold[0] = threshold
  tree.left[0] = 1
  tree.right[0] = 2
  tree.missingLeft[0] = missingLeft ? 1 : 0
  tree.leafValue.set([0, -1, 2])
  tree.cover.set([10, 4, 6])
  return tree
}
const about = { name: 'stump', doc: 'one split' }
const runOrt = async (bytes: Uint8Array, rows: number[]): Promise<number[]> => {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 })
  const { margin } = await session.run({ features: new ort.Tensor('float32', Float32Array.from(rows), [rows.length, 1]) })
  return [...(margin!.data as Float32Array)]
}

describe('float32 neighbours', () => {
  test('rounding down never changes a comparison with a float32 input', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.float({ noNaN: true }), (threshold, x) => {
        const down = roundDownToFloat32(threshold)
        if (threshold < Infinity || x < Infinity) expect(x <= down).toBe(x <= threshold)
        for (const near of [down, nextFloat32(down), previousFloat32(down)])
          if (Number.isFinite(near)) expect(near <= down).toBe(near <= threshold)
      }),
    )
  })
  test('next and previous are inverse and adjacent', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(previousFloat32(nextFloat32(x))).toBe(x === 0 ? -0 + 0 : x)
        expect(nextFloat32(x)).toBeGreaterThan(x)
      }),
      { examples: [[0], [1]] },
    )
  })
})

describe('ONNX tree ensembles', () => {
  test('what was written is what is read', () => {
    const ensemble: TreeEnsemble = { features: 3, base: 0.5, trees: [stump(1.5, true), stump(-2, false)] }
    expect(readTreeEnsembleOnnx(writeTreeEnsembleOnnx(ensemble, about))).toEqual(ensemble)
  })
  test('equal ensembles give equal bytes', () => {
    const write = () => writeTreeEnsembleOnnx({ features: 1, base: 0, trees: [stump(0.1, true)] }, about)
    expect(write()).toEqual(write())
  })
  test('ONNX Runtime decides as the double threshold would, at its float32 neighbours and for missing values', async () => {
    for (const missingLeft of [true, false]) {
      const bytes = writeTreeEnsembleOnnx({ features: 1, base: 0, trees: [stump(0.1, missingLeft)] }, about)
      const down = roundDownToFloat32(0.1)
      expect(await runOrt(bytes, [previousFloat32(down), down, nextFloat32(down), NaN])).toEqual([-1, -1, 2, missingLeft ? -1 : 2])
    }
  })
  test.each(['BRANCH_LT', 'BRANCH_GT', 'BRANCH_GTE'])('%s is read as an equivalent <= split', async (mode) => {
    const model = decodeOnnxModel(writeTreeEnsembleOnnx({ features: 1, base: 0, trees: [stump(0.25, true)] }, about))
    const modes = model.graph.node[0]!.attribute.find((attribute) => attribute.name === 'nodes_modes')!
    modes.strings![0] = new TextEncoder().encode(mode)
    const bytes = encodeOnnxModel(model)
    const [tree] = readTreeEnsembleOnnx(bytes).trees
    const rows = [previousFloat32(0.25), 0.25, nextFloat32(0.25), NaN]
    const walk = (x: number): number => {
      const left = Number.isNaN(x) ? tree!.missingLeft[0] === 1 : x <= tree!.threshold[0]!
      return tree!.leafValue[left ? tree!.left[0]! : tree!.right[0]!]!
    }
    expect(rows.map(walk)).toEqual(await runOrt(bytes, rows))
  })
  test('a graph it cannot reproduce is refused by name', () => {
    const model = decodeOnnxModel(writeTreeEnsembleOnnx({ features: 1, base: 0, trees: [stump(0, true)] }, about))
    const node = model.graph.node[0]!
    const change = (edit: Partial<typeof node>) => encodeOnnxModel({ ...model, graph: { ...model.graph, node: [{ ...node, ...edit }] } })
    expect(() => readTreeEnsembleOnnx(change({ opType: 'Softmax' }))).toThrow(/the graph computes Softmax; a member must be/)
    const transformed = node.attribute.map((a) => (a.name === 'post_transform' ? { ...a, s: new TextEncoder().encode('LOGISTIC') } : a))
    expect(() => readTreeEnsembleOnnx(change({ attribute: transformed }))).toThrow(/post_transform LOGISTIC; export the raw margin/)
    expect(() => readTreeEnsembleOnnx(readFileSync(new URL(import.meta.url)))).toThrow(/not an ONNX model|the graph computes nothing/)
  })
  test('a cycle or an orphan is refused before it is written', () => {
    const cyclic = stump(0, true)
    cyclic.right[0] = 1
    expect(() => writeTreeEnsembleOnnx({ features: 1, base: 0, trees: [cyclic] }, about)).toThrow(/tree 0, node 1: reached by two paths/)
  })
})
