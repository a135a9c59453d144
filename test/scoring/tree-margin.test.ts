import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { kernelMemory } from '#scoring/wasm/kernel-memory.ts'
import { plainTreeMargin } from '#scoring/wasm/tree-margin-plain.ts'
import { treeMargin } from '#scoring/wasm/tree-margin.ts'
import { background, fixturePath, golden, vectorsOf } from './fixture.ts'
import { andTree, randomEnsemble, randomRows } from './random-ensemble.ts'

const shapes = fc.record({
  seed: fc.integer(),
  features: fc.integer({ min: 1, max: 9 }),
  trees: fc.integer({ min: 0, max: 20 }),
  depthMax: fc.integer({ min: 0, max: 12 }),
})

describe('tree margin kernel', () => {
  test('equals the plain twin bit for bit, missing values and ties included, one row or many', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 70 }), ({ seed, ...shape }, rows) => {
        const ensemble = randomEnsemble(seed, shape)
        const vectors = randomRows(seed + 1, rows, shape.features)
        const kernel = treeMargin(kernelMemory(), ensemble, 33)
        const expected = Array.from({ length: rows }, (_, r) => plainTreeMargin(ensemble, vectors, r * shape.features))
        expect([...kernel.batch(vectors, rows)]).toEqual(expected)
        expect(expected.map((_, r) => kernel.one(vectors, r * shape.features))).toEqual(expected)
      }),
    )
  })
  test('infinite inputs take the side their comparison names', () => {
    const ensemble = andTree()
    const kernel = treeMargin(kernelMemory(), ensemble)
    expect([...kernel.batch(Float32Array.of(Infinity, Infinity, -Infinity, Infinity), 2)]).toEqual([80, 0])
  })
  test('margins are those of LightGBM', () => {
    const ensemble = readTreeEnsembleOnnx(readFileSync(fixturePath('bundle/trees.onnx')))
    const margins = treeMargin(kernelMemory(), ensemble).batch(vectorsOf(golden.map((row) => row.vector)), golden.length)
    for (const [i, row] of golden.entries()) expect(Math.abs(margins[i]! - row.memberMargins['trees']!)).toBeLessThan(1e-6)
  })
  test('two ensembles share a memory without touching each other', () => {
    const memory = kernelMemory()
    const first = treeMargin(memory, andTree())
    const before = first.one(Float32Array.of(1, 1), 0)
    const ensemble = readTreeEnsembleOnnx(readFileSync(fixturePath('bundle/trees.onnx')))
    const second = treeMargin(memory, ensemble)
    const rows = background()
    expect(second.one(rows, 0)).toBe(plainTreeMargin(ensemble, rows, 0))
    expect(first.one(Float32Array.of(1, 1), 0)).toBe(before)
  })
})
