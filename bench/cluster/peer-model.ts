/** The bundle under measurement as the Kafka Streams peer takes it: the trees as ONNX and as LightGBM text, stack, calibration, cut-offs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { resolve } from '#registry/resolve.ts'
import { lightGbmText } from './lightgbm-text.ts'

export type PeerModel = Readonly<Record<string, string>>

/** Properties `model.*`; writes the LightGBM text into `folder`. The stack must rest on the trees alone, as the fixed bundle's does. */
export const peerModel = (modelsDir: string, folder: string): PeerModel => {
  const { directory, manifest } = resolve(modelsDir, 'credit@champion')
  const trees = manifest.members.find(({ kind }) => kind === 'trees')
  const others = manifest.members.filter((member) => member !== trees && member.weight !== 0)
  if (trees === undefined || others.length > 0)
    throw new Error(
      `bundle ${manifest.version} scores by ${others.map(({ name }) => name).join(', ') || 'no trees'} too: the peer has the trees alone`,
    )
  const onnx = join(directory, trees.file)
  const ensemble = readTreeEnsembleOnnx(readFileSync(onnx))
  if (ensemble.base !== 0) throw new Error(`bundle ${manifest.version}: LightGBM's text has no place for the base ${ensemble.base}`)
  const text = join(folder, 'model.txt')
  writeFileSync(text, lightGbmText(ensemble))
  if (manifest.calibration.kind !== 'platt')
    throw new Error(`the peer calibrates by Platt's formula, the bundle by ${manifest.calibration.kind}`)
  return {
    'model.onnx': onnx,
    'model.lightgbm': text,
    'model.weight': `${trees.weight}`,
    'model.intercept': `${manifest.combiner.intercept}`,
    'model.calibration.slope': `${manifest.calibration.slope}`,
    'model.calibration.intercept': `${manifest.calibration.intercept}`,
    'model.refer': `${manifest.cutOffs.refer}`,
    'model.decline': `${manifest.cutOffs.decline}`,
  }
}
