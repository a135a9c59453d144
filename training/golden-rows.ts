/** Rows every runtime must reproduce before it may decide with the bundle. */
import type { GoldenRow } from '#registry/manifest.ts'
import type { Dataset } from './dataset.ts'
import { type Ensemble, scoreRow } from './ensemble.ts'
import { seededRandom } from './random.ts'

/**
 * Largest difference of a member's margin between runtimes. ONNX Runtime sums leaves in float32: 300 leaves of magnitude below 0.5
 * leave at most about 300 · 2⁻²⁴ · 0.5 ≈ 1e-5.
 */
export const GOLDEN_TOLERANCE_MARGIN = 2e-5

const ORDINARY_ROWS = 160
/** Beyond any amount in minor units and any ratio, yet finite in float32. */
const EXTREME = Math.fround(1e30)

const rowOf = (data: Dataset, row: number): Float32Array => data.values.slice(row * data.columns, (row + 1) * data.columns)

/** Per feature, the least and greatest known value; 0 where none is known. */
const bounds = (data: Dataset): { least: Float32Array; greatest: Float32Array } => {
  const least = new Float32Array(data.columns).fill(Infinity)
  const greatest = new Float32Array(data.columns).fill(-Infinity)
  data.values.forEach((value, index) => {
    const feature = index % data.columns
    if (value < least[feature]!) least[feature] = value
    if (value > greatest[feature]!) greatest[feature] = value
  })
  const known = (value: number): number => (Number.isFinite(value) ? value : 0)
  return { least: least.map(known), greatest: greatest.map(known) }
}

/** Ordinary rows; nothing known; everything 0, least, greatest, absurd; and one row per feature with that feature missing. */
const goldenVectors = (data: Dataset, seed: number): Float32Array[] => {
  const random = seededRandom(seed)
  const drawn = (): Float32Array => rowOf(data, Math.floor(random() * data.rows))
  const filled = (value: number): Float32Array => new Float32Array(data.columns).fill(value)
  const { least, greatest } = bounds(data)
  const extremes = [filled(Number.NaN), filled(0), least, greatest, filled(EXTREME), filled(-EXTREME)]
  const oneMissing = Array.from({ length: data.columns }, (_, feature) => drawn().with(feature, Number.NaN))
  return [...Array.from({ length: ORDINARY_ROWS }, drawn), ...extremes, ...oneMissing]
}

/** Margins and probability of each golden vector, by the plain evaluator over the members as exported. */
export const goldenRows = (ensemble: Ensemble, data: Dataset, seed: number): GoldenRow[] =>
  goldenVectors(data, seed).map((vector) => ({
    vector: Array.from(vector, (value) => (Number.isNaN(value) ? null : value)),
    ...scoreRow(ensemble, vector, 0),
  }))
