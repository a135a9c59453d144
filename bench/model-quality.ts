/** Holdout AUC of the shipped bundle beside LightGBM tuned in Python on the same vectors. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { resolve } from '#registry/resolve.ts'
import { readBundle } from '#scoring/bundle.ts'
import { ensembleOf } from '#scoring/ensemble.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { replay } from '#training/dataset.ts'
import type { BenchContext } from './bench-context.ts'
import type { BenchRow } from './bench-row.ts'
import { machineLine } from './machine.ts'
import { compareWithTunedLightGbm } from './peers/tuned-lightgbm.ts'

const ROOT = join(import.meta.dirname, '..')
const TRIALS = 30
const TRIALS_QUICK = 3

/** `model.auc`. @throws Error where the shipped model is inferior: the whole paired interval below the peer. */
export const modelBench = async (context: BenchContext): Promise<BenchRow[]> => {
  const data = replay(demoStream(readFileSync(join(ROOT, 'data/taiwan/taiwan-credit-default.csv.gz'))).events(), creditFeatureSet)
  const { directory, manifest } = resolve(join(ROOT, 'models'), 'credit@champion')
  const ensemble = ensembleOf(await readBundle(directory, creditFeatureSet), 'path-dependent')
  const margins = ensemble.members.map((member) => member.batch(data.holdout.values, data.holdout.rows))
  const scores = Float64Array.from({ length: data.holdout.rows }, (_, row) => ensemble.combine(margins.map((member) => member[row]!)))
  const trials = context.quick ? TRIALS_QUICK : TRIALS
  context.say(`model: tuning LightGBM in Python, ${trials} trials`)
  const { ours, peer, difference, conditions } = await compareWithTunedLightGbm(await context.python(), data, scores, trials)
  const shown = (value: number): string => value.toFixed(4)
  return [
    {
      name: 'model.auc',
      value: ours.value,
      unit: 'AUC',
      peer: 'LightGBM tuned in Python',
      peerValue: peer.value,
      ratio: ours.value / peer.value,
      conditions:
        `${data.holdout.rows} holdout clients that nothing was fitted on, bundle ${manifest.version}; ours ${shown(ours.low)} to ${shown(ours.high)}, peer ${shown(peer.low)} to ${shown(peer.high)}; ` +
        `paired difference ${shown(difference.value)}, DeLong 95 % ${shown(difference.low)} to ${shown(difference.high)}: ${difference.high >= 0 ? 'not inferior' : 'INFERIOR'}; ${conditions}; ${machineLine()}`,
    },
  ]
}
