/** From a bundle directory and a policy file to a scorer that may decide. */
import { readFile } from 'node:fs/promises'
import type { Manifest } from '#registry/manifest.ts'
import { BundleRefused } from './bundle-refused.ts'
import { readBundle, type KnownFeatures } from './bundle.ts'
import { type AttributionKind, ensembleAt, type EnsembleLayout, writeEnsemble } from './ensemble.ts'
import { gateAgainstGolden, gateAgainstRuntime } from './parity-gate.ts'
import { pointsScale } from './points.ts'
import { parsePolicy } from './policy/parse-policy.ts'
import type { Policy } from './policy/policy.ts'
import { reasonRanking } from './reasons.ts'
import { scorerOf, type Scorer } from './scorer.ts'
import { kernelMemory, type KernelMemory } from './wasm/kernel-memory.ts'

export interface LoadScorerOptions {
  readonly bundleDir: string
  readonly policyPath: string
  /** The features this engine computes; a bundle trained on others is refused. */
  readonly featureSet: KnownFeatures
  /** What unknown features are taken to be in attributions; `interventional` against the bundle's background by default. */
  readonly attribution?: AttributionKind
  /** Monotonic milliseconds (performance.now) for `lastStages`. Without it they are 0. */
  readonly now?: () => number
}

const readPolicy = async (path: string): Promise<Uint8Array> => {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BundleRefused('policy-invalid', `cannot read the policy ${path}; set policy.file to a readable YAML file`, cause)
  }
}

/** Runs a step whose plain errors mean that the bundle does not make sense. */
const orRefuse = <Value>(bundleDir: string, step: () => Value): Value => {
  try {
    return step()
  } catch (cause) {
    if (cause instanceof BundleRefused) throw cause
    throw new BundleRefused('bundle-format', `${bundleDir}: ${(cause as Error).message}`, cause)
  }
}

/** A verified bundle whose tables lie in kernel memory, and the policy that it decides under: plain values, good in every copy of that memory. */
export interface PreparedBundle {
  readonly manifest: Manifest
  readonly hash: string
  readonly layout: EnsembleLayout
  readonly policy: Policy
}

/**
 * Verifies every file's SHA-256 and the feature set, loads the members into the kernels, builds the attribution tables, and lets the
 * bundle through only where kernels, ONNX Runtime and golden rows agree; reads the policy. About half a second for 300 trees.
 * @throws BundleRefused with a code.
 */
export const prepareBundle = async (
  memory: KernelMemory,
  { bundleDir, policyPath, featureSet, attribution = 'interventional' }: Omit<LoadScorerOptions, 'now'>,
): Promise<PreparedBundle> => {
  const bundle = await readBundle(bundleDir, featureSet)
  const { manifest, hash } = bundle
  const layout = orRefuse(bundleDir, () => writeEnsemble(memory, bundle, attribution))
  const ensemble = ensembleAt(memory, layout, manifest)
  await gateAgainstRuntime(bundle, ensemble)
  gateAgainstGolden(bundle, ensemble)
  return { manifest, hash, layout, policy: parsePolicy(await readPolicy(policyPath), policyPath, manifest.features) }
}

/** The scorer of a prepared bundle. @throws BundleRefused with a code; nothing is loaded then. */
export const scorerAt = (
  memory: KernelMemory,
  { manifest, hash, layout, policy }: PreparedBundle,
  { bundleDir, now = () => 0 }: Pick<LoadScorerOptions, 'bundleDir' | 'now'>,
): Scorer => {
  const parts = orRefuse(bundleDir, () => ({
    ensemble: ensembleAt(memory, layout, manifest),
    ranking: reasonRanking(manifest.reasonGroups, manifest.features),
    points: pointsScale(manifest.points).of,
  }))
  return scorerOf({
    ...parts,
    policy,
    cutOffs: policy.cutOffs === 'from-bundle' ? manifest.cutOffs : policy.cutOffs,
    features: manifest.features.length,
    now,
    identity: {
      modelVersion: `${manifest.name}@${manifest.version}`,
      bundleHash: hash,
      policyVersion: policy.version,
      featureSetHash: manifest.featureSetHash,
    },
  })
}

/** On this thread, which it keeps busy for tens of milliseconds; `load-apart.ts` loads beside a serving engine. @throws BundleRefused with a code. */
export const loadScorer = async (options: LoadScorerOptions): Promise<Scorer> => {
  const memory = kernelMemory()
  return scorerAt(memory, await prepareBundle(memory, options), options)
}
