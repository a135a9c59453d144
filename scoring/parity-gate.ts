/** Before a bundle may decide, the kernels must agree with ONNX Runtime and with the golden rows the training wrote. */
import { BundleRefused } from './bundle-refused.ts'
import type { Bundle, LoadedMember } from './bundle.ts'
import type { Ensemble } from './ensemble.ts'
import { thresholdProbes } from './threshold-probes.ts'

/** Splits probed per member, four rows each: keeps the gate near 100 ms for 300 trees. */
const SPLITS_PROBED_MAX = 256
/** Most the attributions may miss the margin by. */
const RESIDUAL_MAX = 1e-6

const goldenVectors = ({ golden, manifest }: Bundle): Float32Array => {
  for (const [row, { vector }] of golden.entries())
    if (vector.length !== manifest.features.length)
      throw new BundleRefused(
        'bundle-format',
        `golden row ${row} has ${vector.length} values, the bundle ${manifest.features.length} features`,
      )
  return Float32Array.from(golden.flatMap(({ vector }) => vector.map((x) => x ?? NaN)))
}

/** Margins by ONNX Runtime on one thread, imported only for this and released afterwards. */
const runtimeMargins = async ({ onnx, ensemble, name }: LoadedMember, rows: Float32Array): Promise<ArrayLike<number>> => {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(onnx, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  })
  try {
    const input = session.inputNames[0]!
    const result = await session.run({ [input]: new Tensor('float32', rows, [rows.length / ensemble.features, ensemble.features]) })
    return result[session.outputNames[0]!]!.data as Float32Array
  } catch (cause) {
    throw new BundleRefused('member-unsupported', `ONNX Runtime cannot run member ${name}: ${(cause as Error).message}`, cause)
  } finally {
    await session.release()
  }
}

const concat = (a: Float32Array, b: Float32Array): Float32Array => {
  const both = new Float32Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

const differs = (a: number, b: number | undefined, tolerance: number): boolean => !(Math.abs(a - (b ?? NaN)) <= tolerance)

/**
 * Compares member by member with ONNX Runtime, on the golden rows and on rows at the float32 before, at and after split thresholds and missing.
 * Tolerance: the manifest's `golden.toleranceMargin` in log-odds, which covers ONNX Runtime's float32 sums.
 * @throws BundleRefused `parity-failed` naming member, row and both margins.
 */
export const gateAgainstRuntime = async (bundle: Bundle, ensemble: Ensemble): Promise<void> => {
  const tolerance = bundle.manifest.golden.toleranceMargin
  const golden = goldenVectors(bundle)
  for (const [index, member] of bundle.members.entries()) {
    const rows = concat(golden, thresholdProbes(member.ensemble, bundle.background, SPLITS_PROBED_MAX))
    const expected = await runtimeMargins(member, rows)
    const found = ensemble.members[index]!.batch(rows, expected.length)
    const worst = found.findIndex((margin, row) => differs(margin, expected[row], tolerance))
    if (worst !== -1)
      throw new BundleRefused(
        'parity-failed',
        `member ${member.name}, probe ${worst}: the kernel says ${found[worst]}, ONNX Runtime ${expected[worst]}, tolerance ${tolerance}; export the member again`,
      )
  }
}

/** @throws BundleRefused `parity-failed` where a golden margin or probability is not reproduced, or attributions do not add up. */
export const gateAgainstGolden = (bundle: Bundle, ensemble: Ensemble): void => {
  const { toleranceMargin } = bundle.manifest.golden
  const vectors = goldenVectors(bundle)
  const refuse = (row: number, what: string, found: number, expected: number | undefined): never => {
    throw new BundleRefused(
      'parity-failed',
      `golden row ${row}: ${what} is ${found}, the bundle says ${expected}, tolerance ${toleranceMargin}; publish the bundle again`,
    )
  }
  const attributions = new Float64Array(bundle.manifest.features.length)
  for (const [row, golden] of bundle.golden.entries()) {
    const at = row * bundle.manifest.features.length
    const margins = ensemble.members.map((member) => member.one(vectors, at))
    for (const [i, { name }] of bundle.members.entries())
      if (differs(margins[i]!, golden.memberMargins[name], toleranceMargin))
        refuse(row, `margin of ${name}`, margins[i]!, golden.memberMargins[name])
    const margin = ensemble.combine(margins)
    if (differs(margin, golden.margin, toleranceMargin)) refuse(row, 'margin', margin, golden.margin)
    const probability = ensemble.probability(margin)
    if (differs(probability, golden.probability, toleranceMargin)) refuse(row, 'probability', probability, golden.probability)
    ensemble.attribute(vectors, at, attributions)
    const residual = attributions.reduce((rest, attribution) => rest - attribution, margin - ensemble.base)
    if (differs(residual, 0, RESIDUAL_MAX)) refuse(row, 'margin − base − Σ attributions', residual, 0)
  }
}
