import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import type { Decider } from '#streams/ports.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { Scorer } from '#scoring/scorer.ts'
import { application, background, editedBundle, featureSet, golden, loadOptions, manifest, vectorsOf } from './fixture.ts'

const d = manifest.features.length

describe('a bundle that is whole', () => {
  let scorer: Scorer
  beforeAll(async () => {
    scorer = await loadScorer(loadOptions)
  })
  test('reproduces the golden rows of the training side', () => {
    const vectors = vectorsOf(golden.map(({ vector }) => vector))
    for (const [i, row] of golden.entries()) {
      const verdict = scorer.decide(application, vectors, i * d, null)
      expect(Math.abs(verdict.margin - row.margin)).toBeLessThan(1e-6)
      expect(Math.abs(verdict.probability - row.probability)).toBeLessThan(1e-6)
      expect(verdict.memberMargins.map(({ member }) => member)).toEqual(['trees', 'scorecard'])
      expect(Math.abs(verdict.residual)).toBeLessThan(1e-6)
    }
  })
  test('attributions average to nothing over the background they are measured from', () => {
    const rows = background()
    const mean = new Float64Array(d)
    for (let r = 0; r < manifest.background.rows; r++)
      for (const [j, x] of scorer.decide(application, rows, r * d, null).attributions.entries()) mean[j]! += x / manifest.background.rows
    expect(Math.max(...mean.map(Math.abs))).toBeLessThan(1e-6)
  })
  test('loaded again gives the same bits', async () => {
    const again = await loadScorer(loadOptions)
    const rows = background()
    for (let r = 0; r < 20; r++) expect(again.decide(application, rows, r * d, null)).toEqual(scorer.decide(application, rows, r * d, null))
  })
  test('is what the pipelines expect of scoring', () => {
    expectTypeOf(scorer).toExtend<Decider>()
  })
  test('is known by name, version and the hash of its manifest', () => {
    expect(scorer.modelVersion).toBe('fixture@1')
    expect(scorer.bundleHash).toMatch(/^[0-9a-f]{64}$/)
    expect(scorer.policyVersion).toMatch(/^fixture@[0-9a-f]{12}$/)
  })
  test('explains path-dependently on request, from the mean by covers', async () => {
    const other = await loadScorer({ ...loadOptions, attribution: 'path-dependent' })
    const [a, b] = [other, scorer].map((each) => each.decide(application, background(), 0, null))
    expect(a!.margin).toBe(b!.margin)
    expect(a!.base).not.toBe(b!.base)
    expect(Math.abs(a!.residual)).toBeLessThan(1e-6)
  })
})

/** Replaces a file's hash in the manifest, as a careless or hostile publisher would. */
const resealed = (file: string, alter: (bytes: Buffer) => Buffer | string) => {
  let hash = ''
  return editedBundle((_, change) => {
    change(file, (bytes) => {
      const altered = alter(bytes)
      hash = createHash('sha256').update(altered).digest('hex')
      return altered
    })
    change('manifest.json', (bytes) => bytes.toString().replace(manifest.files[file]!, hash))
  })
}
const editManifest = (edit: (value: Record<string, unknown>) => void) =>
  editedBundle((_, change) =>
    change('manifest.json', (bytes) => {
      const value = JSON.parse(bytes.toString()) as Record<string, unknown>
      edit(value)
      return JSON.stringify(value)
    }),
  )

describe('a bundle that is not is refused', () => {
  const refusal = async (options: Partial<typeof loadOptions>) => {
    const error = await loadScorer({ ...loadOptions, ...options }).then(
      () => new Error('it was loaded'),
      (reason: unknown) => reason as Error & { code?: string },
    )
    return `${(error as { code?: string }).code}: ${error.message}`
  }
  test('with one byte of a file changed', async () => {
    const bundleDir = editedBundle((_, change) => change('trees.onnx', (bytes) => Buffer.from(bytes.with(5000, bytes[5000]! ^ 1))))
    expect(await refusal({ bundleDir })).toMatch(/^bundle-corrupt: .*trees\.onnx has SHA-256 .*restore the file/)
  })
  test('for features this engine does not compute', async () => {
    expect(await refusal({ featureSet: { ...featureSet, hash: '00' } })).toMatch(
      /^feature-set-unknown: .*f1f1.*computes 00; train on the present features/,
    )
    const features = featureSet.features.toReversed()
    expect(await refusal({ featureSet: { ...featureSet, features } })).toMatch(
      /^feature-set-unknown: .*feature 0 is applicant\.fixture\.f00/,
    )
  })
  test('where the members no longer say what the golden rows say', async () => {
    const bundleDir = resealed('trees.onnx', (bytes) => {
      const ensemble = readTreeEnsembleOnnx(bytes)
      ensemble.trees[0]!.leafValue.forEach((value, i, all) => (all[i] = value + 0.01))
      return Buffer.from(writeTreeEnsembleOnnx(ensemble, { name: 'm', doc: '' }))
    })
    expect(await refusal({ bundleDir })).toMatch(/^parity-failed: golden row 0: margin of trees is/)
  })
  test('with a member of another operator', async () => {
    const bundleDir = resealed('trees.onnx', (bytes) =>
      Buffer.from(bytes.toString('latin1').replace('TreeEnsembleRegressor', 'TreeEnsembleRegressoX'), 'latin1'),
    )
    expect(await refusal({ bundleDir })).toMatch(/^member-unsupported: member trees \(trees\.onnx\): .*computes TreeEnsembleRegressoX/)
  })
  test('with a manifest that lacks what it needs', async () => {
    expect(await refusal({ bundleDir: editManifest((m) => delete m['calibration']) })).toMatch(
      /^bundle-format: manifest\.calibration is absent/,
    )
    expect(await refusal({ bundleDir: editManifest((m) => (m['format'] = 2)) })).toMatch(/^bundle-format: manifest\.format is 2/)
    expect(await refusal({ bundleDir: editManifest((m) => (m['golden'] = { ...manifest.golden, toleranceMargin: 5 })) })).toMatch(
      /toleranceMargin must lie in \(0, 0\.001\], got 5/,
    )
    expect(await refusal({ bundleDir: editManifest((m) => (m['cutOffs'] = { ...manifest.cutOffs, refer: 0.9 })) })).toMatch(
      /cutOffs need 0 < refer <= decline <= 1/,
    )
    expect(await refusal({ bundleDir: editManifest((m) => (m['fallback'] = { ...manifest.fallback, member: 'trees' })) })).toMatch(
      /must name a scorecard member/,
    )
    expect(await refusal({ bundleDir: editManifest((m) => (m['files'] = { ...manifest.files, '../secret': '00' })) })).toMatch(
      /bundle file name "\.\.\/secret"/,
    )
    expect(await refusal({ bundleDir: editManifest((m) => (m['reasonGroups'] = [])) })).toMatch(
      /^bundle-format: .*f00.* is in no reason group/,
    )
  })
  test('where it is absent, and so is a policy', async () => {
    expect(await refusal({ bundleDir: '/nowhere' })).toMatch(/^bundle-unreadable: cannot read \/nowhere\/manifest\.json/)
    expect(await refusal({ policyPath: '/nowhere.yaml' })).toMatch(/^policy-invalid: cannot read the policy/)
  })
})
