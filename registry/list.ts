/** What the registry holds. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readAlias } from './alias-file.ts'
import type { Manifest } from './manifest.ts'
import { ALIASES, type Alias } from './model-reference.ts'
import { readManifest, versionsOf } from './resolve.ts'

export interface ListedModel {
  readonly name: string
  readonly version: string
  /** Aliases that stand for this version. */
  readonly aliases: readonly Alias[]
  readonly manifest: Manifest
  readonly bundleHash: string
}

/** Every published version, by name and version. Manifests are parsed, files are not verified: that is `resolve`'s part. */
export const listModels = (modelsDir: string): ListedModel[] => {
  if (!existsSync(modelsDir)) return []
  const names = readdirSync(modelsDir, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  return names
    .map(({ name }) => name)
    .toSorted()
    .flatMap((name) => versionsOf(modelsDir, name).map((version) => describe(modelsDir, name, version)))
}

const describe = (modelsDir: string, name: string, version: string): ListedModel => {
  const folder = join(modelsDir, name)
  return { name, version, aliases: ALIASES.filter((alias) => readAlias(folder, alias) === version), ...readManifest(join(folder, version)) }
}
