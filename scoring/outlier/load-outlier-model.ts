/** The outlier part of a bundle, from its files. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '#registry/manifest.ts'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { BundleRefused } from '../bundle-refused.ts'
import { outlierModel, type OutlierModel } from './outlier-model.ts'

/** From a directory whose files the registry has verified; null where the bundle has no such part. @throws BundleRefused naming the file. */
export const loadOutlierModel = (directory: string, { outlier, features }: Pick<Manifest, 'outlier' | 'features'>): OutlierModel | null => {
  if (outlier === undefined) return null
  const { fill, forest, reference } = outlier
  const { trees, features: columns } = readTreeEnsembleOnnx(readFileSync(join(directory, forest.file)))
  const bytes = readFileSync(join(directory, reference.file))
  if (columns !== features.length || bytes.byteLength !== reference.rows * features.length * 4)
    throw new BundleRefused(
      'bundle-format',
      `${directory}: ${forest.file} takes ${columns} features and ${reference.file} holds ${bytes.byteLength} bytes; the manifest has ${features.length} features and ${reference.rows} rows. Publish the bundle again`,
    )
  const rows = Float32Array.from({ length: reference.rows * columns }, (_, i) => bytes.readFloatLE(i * 4))
  return outlierModel({ fill, rowsATree: forest.rowsATree, scale: reference }, trees, rows)
}
