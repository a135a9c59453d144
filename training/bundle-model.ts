/** A published bundle as whoever judges it uses it: through the kernels that serve, once they agree with ONNX Runtime. */
import { BundleRefused } from '#scoring/bundle-refused.ts'
import { readBundle, type KnownFeatures } from '#scoring/bundle.ts'
import { ensembleOf } from '#scoring/ensemble.ts'
import { gateAgainstGolden, gateAgainstRuntime } from '#scoring/parity-gate.ts'
import type { Manifest } from '#registry/manifest.ts'
import type { Dataset } from './dataset.ts'
import type { TimedModel } from './gates/latency-gate.ts'

export interface BundleModel extends TimedModel {
  readonly manifest: Manifest
  /** Golden rows, row-major. */
  readonly golden: Float32Array
  /** Probability of bad of each row. */
  probabilities(data: Dataset): Float64Array
}

/** @throws BundleRefused where files, feature set or parity are not as they must be. */
export const loadBundleModel = async (directory: string, features: KnownFeatures): Promise<BundleModel> => {
  const bundle = await readBundle(directory, features)
  const ensemble = ensembleOf(bundle, 'interventional')
  await gateAgainstRuntime(bundle, ensemble)
  gateAgainstGolden(bundle, ensemble)
  const attributions = new Float64Array(bundle.manifest.features.length)
  const margins = ensemble.members.map(() => 0)
  return {
    manifest: bundle.manifest,
    golden: Float32Array.from(bundle.golden.flatMap(({ vector }) => vector.map((value) => value ?? Number.NaN))),
    run(vectors, at) {
      for (const [index, member] of ensemble.members.entries()) margins[index] = member.one(vectors, at)
      ensemble.probability(ensemble.combine(margins))
      ensemble.attribute(vectors, at, attributions)
    },
    probabilities({ values, rows }) {
      const members = ensemble.members.map((member) => member.batch(values, rows))
      return Float64Array.from({ length: rows }, (_, row) => ensemble.probability(ensemble.combine(members.map((margin) => margin[row]!))))
    },
  }
}

/** The reason where a bundle may not serve; null where kernels, ONNX Runtime and golden rows agree. */
export const refusalOf = (error: unknown): string | null => (error instanceof BundleRefused ? error.message : null)
