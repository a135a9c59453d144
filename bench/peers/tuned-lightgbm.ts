/** Holdout AUC of the shipped recipe beside LightGBM tuned in Python on the same vectors. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Interval } from '#registry/manifest.ts'
import type { ReplayedData } from '#training/dataset.ts'
import { auc, aucDifference } from '#training/metrics/auc.ts'

export interface AucComparison {
  readonly ours: Interval
  readonly peer: Interval
  /** Ours minus the peer's, DeLong's paired 95 % interval: not inferior where `low` is above minus the margin one declares. */
  readonly difference: Interval
  /** What the peer chose, as it says itself. */
  readonly conditions: string
}

const bytes = (values: Float32Array | Uint8Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/**
 * Writes the rows to a temporary folder, lets Python tune and predict, and compares on the holdout. `python` needs lightgbm and numpy.
 * `scores`: our probability or margin of each holdout row, in `data.holdout` order.
 */
export const compareWithTunedLightGbm = async (
  python: string,
  data: ReplayedData,
  scores: Float64Array,
  trials = 30,
): Promise<AucComparison> => {
  const folder = await mkdtemp(join(tmpdir(), 'scorestream-peer-'))
  try {
    const { training, holdout } = data
    await writeFile(join(folder, 'vectors.f32'), Buffer.concat([bytes(training.values), bytes(holdout.values)]))
    await writeFile(join(folder, 'labels.u8'), Buffer.concat([training.labels, holdout.labels]))
    await writeFile(join(folder, 'holdout.u8'), Buffer.concat([Buffer.alloc(training.rows, 0), Buffer.alloc(holdout.rows, 1)]))
    const script = join(import.meta.dirname, 'tuned_lightgbm.py')
    const { stdout } = await promisify(execFile)(python, [script, folder, String(training.columns), String(trials)])
    const raw = await readFile(join(folder, 'holdout-probabilities.f64'))
    const peer = Float64Array.from({ length: holdout.rows }, (_, row) => raw.readDoubleLE(row * 8))
    return {
      ours: auc(scores, holdout.labels),
      peer: auc(peer, holdout.labels),
      difference: aucDifference(scores, peer, holdout.labels),
      conditions: stdout.trim(),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
