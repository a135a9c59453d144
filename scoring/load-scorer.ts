/** From a bundle directory and a policy file to a scorer that may decide. */
import { readFile } from 'node:fs/promises'
import { BundleRefused } from './bundle-refused.ts'
import { readBundle, type KnownFeatures } from './bundle.ts'
import { ensembleOf, type AttributionKind } from './ensemble.ts'
import { gateAgainstGolden, gateAgainstRuntime } from './parity-gate.ts'
import { pointsScale } from './points.ts'
import { parsePolicy } from './policy/parse-policy.ts'
import { reasonRanking } from './reasons.ts'
import { scorerOf, type Scorer } from './scorer.ts'

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

/**
 * Verifies every file's SHA-256 and the feature set, loads the members into the kernels, builds the attribution tables, and lets the
 * bundle through only where kernels, ONNX Runtime and golden rows agree. About half a second for 300 trees.
 * @throws BundleRefused with a code; nothing is loaded then.
 */
export const loadScorer = async (options: LoadScorerOptions): Promise<Scorer> => {
  const { bundleDir, policyPath, featureSet, attribution = 'interventional', now = () => 0 } = options
  const bundle = await readBundle(bundleDir, featureSet)
  const { manifest } = bundle
  const policy = parsePolicy(await readPolicy(policyPath), policyPath, manifest.features)
  const parts = orRefuse(bundleDir, () => ({
    ensemble: ensembleOf(bundle, attribution),
    ranking: reasonRanking(manifest.reasonGroups, manifest.features),
    points: pointsScale(manifest.points).of,
  }))
  await gateAgainstRuntime(bundle, parts.ensemble)
  gateAgainstGolden(bundle, parts.ensemble)
  return scorerOf({
    ...parts,
    policy,
    cutOffs: policy.cutOffs === 'from-bundle' ? manifest.cutOffs : policy.cutOffs,
    features: manifest.features.length,
    now,
    identity: {
      modelVersion: `${manifest.name}@${manifest.version}`,
      bundleHash: bundle.hash,
      policyVersion: policy.version,
      featureSetHash: manifest.featureSetHash,
    },
  })
}
