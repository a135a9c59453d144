/** Reads a model bundle from its directory and checks that it is whole and meant for this engine. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FeatureSet } from '#features/feature-set.ts'
import type { GoldenRow, Manifest } from '#registry/manifest.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import type { TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { BundleRefused } from './bundle-refused.ts'

/** What scoring needs to know of the features it is handed; plain, so that it crosses threads. */
export interface KnownFeatures extends Pick<FeatureSet, 'hash'> {
  readonly features: readonly Pick<FeatureSet['features'][number], 'name'>[]
}

export interface LoadedMember {
  readonly name: string
  readonly kind: 'trees' | 'scorecard'
  readonly weight: number
  readonly ensemble: TreeEnsemble
  /** The ONNX file, as the parity gate hands it to ONNX Runtime. */
  readonly onnx: Uint8Array
}

export interface Bundle {
  readonly manifest: Manifest
  readonly members: readonly LoadedMember[]
  /** rows × d, NaN = missing. */
  readonly background: Float32Array
  readonly golden: readonly GoldenRow[]
  /** SHA-256 of manifest.json, which holds the SHA-256 of every other file, hex: the registry's address of the bundle. */
  readonly hash: string
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

const readBytes = async (dir: string, name: string): Promise<Uint8Array> => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new BundleRefused('bundle-format', `bundle file name "${name}": names hold letters, digits, dot, dash and underscore only`)
  try {
    return await readFile(join(dir, name))
  } catch (cause) {
    throw new BundleRefused('bundle-unreadable', `cannot read ${join(dir, name)}; restore the bundle or point models.dir at it`, cause)
  }
}

const parseJson = (bytes: Uint8Array, name: string): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new BundleRefused('bundle-format', `${name} is not JSON; publish the bundle again`, cause)
  }
}

const parseManifest = (bytes: Uint8Array): Manifest => {
  const manifest = parseJson(bytes, 'manifest.json') as Manifest
  const needs: readonly (keyof Manifest)[] = [
    ...(['features', 'members', 'combiner', 'calibration', 'fallback', 'cutOffs', 'background', 'golden', 'reasonGroups'] as const),
    ...(['points', 'files', 'featureSetHash', 'name', 'version'] as const),
  ]
  if (manifest?.format !== 1)
    throw new BundleRefused('bundle-format', `manifest.format is ${JSON.stringify(manifest?.format)}, this engine reads 1`)
  for (const key of needs)
    if (manifest[key] === undefined) throw new BundleRefused('bundle-format', `manifest.${key} is absent; publish the bundle again`)
  checkNumbers(manifest)
  return manifest
}

/** Widest disagreement in log-odds a bundle may allow itself: a fiftieth of a point of score. */
const TOLERANCE_MAX = 1e-3

const checkNumbers = ({ cutOffs, golden, combiner }: Manifest): void => {
  const { refer, decline } = cutOffs
  if (!(refer > 0 && refer <= decline && decline <= 1))
    throw new BundleRefused(
      'bundle-format',
      `manifest.cutOffs need 0 < refer <= decline <= 1, got ${refer} and ${decline}; publish the bundle again`,
    )
  if (!(golden.toleranceMargin > 0 && golden.toleranceMargin <= TOLERANCE_MAX))
    throw new BundleRefused(
      'bundle-format',
      `manifest.golden.toleranceMargin must lie in (0, ${TOLERANCE_MAX}], got ${golden.toleranceMargin}; publish the bundle again`,
    )
  if (combiner.kind !== 'weighted-sum' || !Number.isFinite(combiner.intercept))
    throw new BundleRefused('bundle-format', `manifest.combiner must be a weighted-sum with a finite intercept; publish the bundle again`)
}

const readVerified = async (dir: string, manifest: Manifest): Promise<Map<string, Uint8Array>> => {
  const files = new Map<string, Uint8Array>()
  for (const [name, expected] of Object.entries(manifest.files)) {
    const bytes = await readBytes(dir, name)
    const found = sha256(bytes)
    if (found !== expected)
      throw new BundleRefused('bundle-corrupt', `${join(dir, name)} has SHA-256 ${found}, the manifest says ${expected}; restore the file`)
    files.set(name, bytes)
  }
  return files
}

const checkFeatures = (manifest: Manifest, known: KnownFeatures): void => {
  const label = `bundle ${manifest.name}/${manifest.version}`
  if (manifest.featureSetHash !== known.hash)
    throw new BundleRefused(
      'feature-set-unknown',
      `${label} was trained on feature set ${manifest.featureSetHash}, this engine computes ${known.hash}; train on the present features or run the engine version that has them`,
    )
  const differs = manifest.features.findIndex((name, i) => name !== known.features[i]?.name)
  if (differs !== -1 || manifest.features.length !== known.features.length)
    throw new BundleRefused(
      'feature-set-unknown',
      `${label}: feature ${differs} is ${manifest.features[differs]}, the feature set has ${known.features[differs]?.name}; publish the bundle again`,
    )
}

const loadMembers = (manifest: Manifest, file: (name: string) => Uint8Array): LoadedMember[] =>
  manifest.members.map(({ name, kind, weight, file: path }) => {
    if (kind !== 'trees' && kind !== 'scorecard')
      throw new BundleRefused('member-unsupported', `member ${name} is of kind "${kind as string}"; this engine knows trees and scorecard`)
    if (!Number.isFinite(weight)) throw new BundleRefused('bundle-format', `member ${name}: weight must be finite, got ${weight}`)
    const onnx = file(path)
    try {
      const ensemble = readTreeEnsembleOnnx(onnx)
      if (ensemble.features !== manifest.features.length)
        throw new Error(`it takes ${ensemble.features} features, the bundle has ${manifest.features.length}; export it again`)
      return { name, kind, weight, ensemble, onnx }
    } catch (cause) {
      throw new BundleRefused('member-unsupported', `member ${name} (${path}): ${(cause as Error).message}`, cause)
    }
  })

const floats = (bytes: Uint8Array, columns: number, rows: number, name: string): Float32Array => {
  if (bytes.byteLength !== rows * columns * 4 || rows < 1)
    throw new BundleRefused(
      'bundle-format',
      `${name} holds ${bytes.byteLength} bytes, ${rows} rows of ${columns} float32 need ${rows * columns * 4}`,
    )
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length: rows * columns }, (_, i) => view.getFloat32(i * 4, true))
}

/**
 * Reads and verifies every file the manifest names.
 * @throws BundleRefused with a code, naming file, value and remedy.
 */
export const readBundle = async (dir: string, known: KnownFeatures): Promise<Bundle> => {
  const manifestBytes = await readBytes(dir, 'manifest.json')
  const manifest = parseManifest(manifestBytes)
  checkFeatures(manifest, known)
  const files = await readVerified(dir, manifest)
  const file = (name: string): Uint8Array => {
    const bytes = files.get(name)
    if (bytes === undefined)
      throw new BundleRefused('bundle-format', `manifest.files lacks ${name}, which the manifest uses; publish the bundle again`)
    return bytes
  }
  const { background, golden } = manifest
  const goldenRows = parseJson(file(golden.file), golden.file) as GoldenRow[]
  if (!Array.isArray(goldenRows) || goldenRows.length !== golden.rows || golden.rows < 1)
    throw new BundleRefused(
      'bundle-format',
      `${golden.file} must be an array of ${golden.rows} golden rows, at least one; publish the bundle again`,
    )
  return {
    manifest,
    members: loadMembers(manifest, file),
    background: floats(file(background.file), manifest.features.length, background.rows, background.file),
    golden: goldenRows,
    hash: sha256(manifestBytes),
  }
}
