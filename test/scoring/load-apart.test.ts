import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { loadScorerApart } from '#scoring/load-apart.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import { treeMargin, treeMarginAt, writeTrees } from '#scoring/wasm/tree-margin.ts'
import { kernelMemory, kernelMemoryOf } from '#scoring/wasm/kernel-memory.ts'
import { application, background, editedBundle, fixturePath, loadOptions, manifest } from './fixture.ts'

const turn = (): Promise<void> => setImmediate()

describe('a bundle loaded on a thread of its own', () => {
  for (const attribution of ['interventional', 'path-dependent'] as const)
    test(`decides bit for bit as one loaded here, explained ${attribution}`, async () => {
      const options = { ...loadOptions, attribution }
      const [apart, here] = await Promise.all([loadScorerApart({ ...options, turn }), loadScorer(options)])
      const rows = background()
      for (let row = 0; row < manifest.background.rows; row++)
        for (const degrade of [null, 'scorecard'] as const) {
          const at = row * manifest.features.length
          expect(apart.decide(application, rows, at, degrade)).toEqual(here.decide(application, rows, at, degrade))
        }
    })

  test('gives the event loop a turn between any two slices of its memory', async () => {
    let turns = 0
    await loadScorerApart({
      ...loadOptions,
      turn: () => {
        turns++
        return setImmediate()
      },
    })
    expect(turns).toBeGreaterThan(0)
  })

  test('is refused with the same code and the same words', async () => {
    const bundleDir = editedBundle((_, change) => change('manifest.json', () => '{"format": 2}'))
    const refusals = await Promise.all(
      [loadScorerApart({ ...loadOptions, bundleDir, turn }), loadScorer({ ...loadOptions, bundleDir })].map((load) =>
        load.then(
          () => 'loaded',
          (error: Error & { code: string }) => `${error.name} ${error.code}: ${error.message}`,
        ),
      ),
    )
    expect(refusals[0]).toMatch(/^BundleRefused bundle-format/)
    expect(refusals[0]).toBe(refusals[1])
  })
})

test('a copy of kernel memory takes further allocations behind what it was copied with', async () => {
  const ensemble = readTreeEnsembleOnnx(readFileSync(fixturePath('bundle/trees.onnx')))
  const memory = kernelMemory()
  const layout = writeTrees(memory, ensemble)
  const rows = background()
  const expected = treeMarginAt(memory, layout).batch(rows, manifest.background.rows)
  const copy = await kernelMemoryOf(memory.image(), turn)
  const second = treeMargin(copy, ensemble)
  expect(treeMarginAt(copy, layout).batch(rows, manifest.background.rows)).toEqual(expected)
  expect(second.batch(rows, manifest.background.rows)).toEqual(expected)
})
