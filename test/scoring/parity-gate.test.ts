import { beforeAll, describe, expect, test } from 'vitest'
import { nextFloat32, previousFloat32 } from '#registry/onnx/float32.ts'
import type { Tree } from '#registry/onnx/tree-ensemble.ts'
import { readBundle, type Bundle } from '#scoring/bundle.ts'
import { ensembleOf } from '#scoring/ensemble.ts'
import { gateAgainstRuntime } from '#scoring/parity-gate.ts'
import { thresholdProbes } from '#scoring/threshold-probes.ts'
import { background, featureSet, loadOptions } from './fixture.ts'
import { andTree } from './random-ensemble.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await readBundle(loadOptions.bundleDir, featureSet)
})

/** The gate's verdict on kernels whose first tree was changed, while the ONNX file was not. */
const gateWith = async (change: (tree: Tree) => Tree): Promise<void> => {
  const members = bundle.members.map((member, i) =>
    i === 0
      ? { ...member, ensemble: { ...member.ensemble, trees: member.ensemble.trees.map((tree, t) => (t === 0 ? change(tree) : tree)) } }
      : member,
  )
  await gateAgainstRuntime(bundle, ensembleOf({ ...bundle, members }, 'interventional'))
}
const mapRoot = (step: (threshold: number) => number) => (tree: Tree) => ({
  ...tree,
  threshold: tree.threshold.map((value, node) => (node === 0 ? step(value) : value)),
})

describe('the parity gate', () => {
  test('lets through kernels that say what the file says', async () => {
    await gateWith((tree) => tree)
  })
  test.each([
    ['a threshold one float32 too high', mapRoot(nextFloat32)],
    ['a threshold one float32 too low', mapRoot(previousFloat32)],
    ['a missing direction turned round', (tree: Tree) => ({ ...tree, missingLeft: tree.missingLeft.map((left) => 1 - left) })],
    ['leaves off by a thousandth', (tree: Tree) => ({ ...tree, leafValue: tree.leafValue.map((value) => value + 0.001) })],
  ])('catches %s', async (_, change) => {
    await expect(gateWith(change)).rejects.toMatchObject({ code: 'parity-failed' })
  })
})

describe('threshold probes', () => {
  test('stand before, on and after each split, and miss it, on the way that reaches it', () => {
    const probes = thresholdProbes(andTree(), Float32Array.of(0, 0), 3)
    const [before, on, after] = [previousFloat32(0.5), 0.5, nextFloat32(0.5)]
    const rows = Array.from({ length: 12 }, (_, r) => [...probes.subarray(2 * r, 2 * r + 2)])
    expect(rows).toEqual([
      ...[before, on, after, NaN].map((x) => [x, 0]),
      ...[before, on, after, NaN].map((x) => [0, x]),
      ...[before, on, after, NaN].map((x) => [after, x]),
    ])
  })
  test('are bounded, however many splits there are', () => {
    const [member] = bundle.members
    expect(thresholdProbes(member!.ensemble, background(), 256).length).toBe(256 * 4 * 64)
  })
})
