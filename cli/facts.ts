/** What the warehouse is told once at start: the features and the models in force. Written beside the data, read by the warehouse process. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import { catalogue } from '#features/describe.ts'
import { listModels } from '#registry/list.ts'

export const writeFacts = (dataDir: string, featureSet: CompiledFeatureSet, modelsDir: string): string => {
  const path = join(dataDir, 'facts.json')
  const facts = { featureSetHash: featureSet.hash, features: catalogue(featureSet), models: listModels(modelsDir) }
  writeFileSync(`${path}.new`, JSON.stringify(facts))
  renameSync(`${path}.new`, path)
  return path
}
