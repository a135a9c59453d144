/** What the warehouse is told once at start: the features and the models in force. Written beside the data, read by the warehouse process. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NamedFeatureSet } from '#features/sets.ts'
import { listModels } from '#registry/list.ts'

export const writeFacts = (dataDir: string, features: NamedFeatureSet, modelsDir: string): string => {
  const path = join(dataDir, 'facts.json')
  const facts = { featureSetHash: features.set.hash, features: features.entries(), models: listModels(modelsDir) }
  writeFileSync(`${path}.new`, JSON.stringify(facts))
  renameSync(`${path}.new`, path)
  return path
}
