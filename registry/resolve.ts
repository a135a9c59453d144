/** From a reference to a verified bundle on disk. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAlias } from './alias-file.ts'
import { MANIFEST_FILE, sha256 } from './file-hash.ts'
import type { Manifest } from './manifest.ts'
import { ALIASES, isAlias, parseReference } from './model-reference.ts'
import { RegistryError } from './registry-error.ts'

export interface ResolvedBundle {
  readonly name: string
  readonly version: string
  readonly directory: string
  readonly manifest: Manifest
  /** SHA-256 hex of manifest.json, which holds the hashes of all other files: the hash of the bundle. */
  readonly bundleHash: string
}

/** Versions of a model that have a manifest, in name order. */
export const versionsOf = (modelsDir: string, name: string): string[] => {
  const folder = join(modelsDir, name)
  if (!existsSync(folder))
    throw new RegistryError(
      'unknown-model',
      `there is no model "${name}" in ${modelsDir}`,
      'check models.dir, or train one with `scorestream train`',
    )
  return readdirSync(folder)
    .filter((version) => !version.startsWith('.') && existsSync(join(folder, version, MANIFEST_FILE)))
    .toSorted()
}

const selectVersion = (modelsDir: string, name: string, selector: string): string => {
  const versions = versionsOf(modelsDir, name)
  const known = `known versions: ${versions.join(', ') || 'none'}`
  if (!isAlias(selector)) {
    if (versions.includes(selector)) return selector
    throw new RegistryError(
      'unknown-version',
      `model "${name}" has no version or alias "${selector}"`,
      `use one of ${ALIASES.join(', ')} or of the ${known}`,
    )
  }
  const version = readAlias(join(modelsDir, name), selector)
  if (version === null) throw new RegistryError('unknown-alias', `model "${name}" has no ${selector}`, `promote a version to it (${known})`)
  if (!versions.includes(version))
    throw new RegistryError(
      'unknown-version',
      `${selector} of "${name}" names "${version}", which is not there`,
      `restore it or promote another (${known})`,
    )
  return version
}

/** Parses manifest.json; throws `malformed-manifest`, naming the file. */
export const readManifest = (directory: string): { readonly manifest: Manifest; readonly bundleHash: string } => {
  const path = join(directory, MANIFEST_FILE)
  const bytes = readFileSync(path)
  const refuse = (what: string, cause?: unknown): never => {
    throw new RegistryError('malformed-manifest', `${path}: ${what}`, 'publish the bundle again or restore the file', cause)
  }
  let manifest: Partial<Manifest>
  try {
    manifest = JSON.parse(bytes.toString('utf8')) as Partial<Manifest>
  } catch (cause) {
    return refuse('not JSON', cause)
  }
  if (manifest === null || typeof manifest !== 'object') return refuse('not a JSON object')
  if (manifest.format !== 1) return refuse(`format ${JSON.stringify(manifest.format)}, this release reads format 1`)
  for (const key of ['name', 'version', 'featureSetHash', 'features', 'members', 'calibration', 'files'] as const)
    if (manifest[key] === undefined) return refuse(`"${key}" is missing`)
  return { manifest: manifest as Manifest, bundleHash: sha256(bytes) }
}

/** Checks presence and SHA-256 of every file the manifest names. Throws `missing-file` or `wrong-hash`, naming the file. */
const verifyFiles = (directory: string, manifest: Manifest): void => {
  for (const [file, expected] of Object.entries(manifest.files)) {
    const path = join(directory, file)
    if (!existsSync(path))
      throw new RegistryError('missing-file', `${path} is missing`, 'restore the bundle from a copy or promote another version')
    const actual = sha256(readFileSync(path))
    if (actual !== expected)
      throw new RegistryError(
        'wrong-hash',
        `${path} is not the file that was published: SHA-256 ${actual}, manifest says ${expected}`,
        'restore the bundle from a copy or promote another version',
      )
  }
}

/** Resolves `name@alias` or `name@version` to a bundle whose every file has been verified. Throws {@link RegistryError}. */
export const resolve = (modelsDir: string, reference: string): ResolvedBundle => {
  const { name, selector } = parseReference(reference)
  const version = selectVersion(modelsDir, name, selector)
  const directory = join(modelsDir, name, version)
  const { manifest, bundleHash } = readManifest(directory)
  if (manifest.name !== name || manifest.version !== version)
    throw new RegistryError(
      'malformed-manifest',
      `${join(directory, MANIFEST_FILE)} calls itself ${manifest.name}@${manifest.version}, its folder says ${name}@${version}`,
      'move the folder to the name the manifest gives, or publish again',
    )
  verifyFiles(directory, manifest)
  return { name, version, directory, manifest, bundleHash }
}
