/** Puts a bundle into the registry: all of it or nothing. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { contentVersion, MANIFEST_FILE, sha256 } from './file-hash.ts'
import type { Manifest } from './manifest.ts'
import { checkPart } from './model-reference.ts'
import { RegistryError } from './registry-error.ts'

export interface BundleDraft {
  /** Everything the manifest says, save what its content determines. */
  readonly manifest: Omit<Manifest, 'version' | 'files' | 'format'>
  /** File name → bytes; hashed into the manifest. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Written beside the bundle but not part of it: may differ between equal bundles (measured times, a rendered card). */
  readonly companions?: ((manifest: Manifest) => ReadonlyMap<string, string>) | undefined
}

export interface Published {
  readonly version: string
  readonly directory: string
  readonly manifest: Manifest
  /** False where a bundle of the very same bytes was there already. */
  readonly created: boolean
}

/** JSON with a final newline; key order is that of construction, so the same draft gives the same bytes. */
const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 1)}\n`

/** The manifest a draft becomes: file hashes, and the version they determine. */
const sealManifest = (draft: BundleDraft): Manifest => {
  const files = Object.fromEntries([...draft.files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([file, bytes]) => [file, sha256(bytes)]))
  const { name, ...rest } = draft.manifest
  const unversioned: Manifest = { format: 1, name, version: '', ...rest, files }
  return { ...unversioned, version: contentVersion(manifestText(unversioned)) }
}

/**
 * Writes `modelsDir/<name>/<version>/` through a temporary folder and one rename. Publishing the same content again changes nothing;
 * a folder of that version with another manifest is refused (`version-exists`).
 */
export const publish = (modelsDir: string, draft: BundleDraft): Published => {
  const manifest = sealManifest(draft)
  const folder = join(modelsDir, checkPart('model name', manifest.name))
  const directory = join(folder, manifest.version)
  const text = manifestText(manifest)
  if (existsSync(directory)) {
    const present = existsSync(join(directory, MANIFEST_FILE)) ? readFileSync(join(directory, MANIFEST_FILE), 'utf8') : ''
    if (present === text) return { version: manifest.version, directory, manifest, created: false }
    throw new RegistryError(
      'version-exists',
      `${directory} exists with other content`,
      'it was changed by hand: remove or restore it, then publish again',
    )
  }
  const temporary = join(folder, `.publishing-${process.pid}`)
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { recursive: true })
  for (const [file, bytes] of draft.files) writeFileSync(join(temporary, file), bytes)
  for (const [file, content] of draft.companions?.(manifest) ?? []) writeFileSync(join(temporary, file), content)
  writeFileSync(join(temporary, MANIFEST_FILE), text)
  renameSync(temporary, directory)
  return { version: manifest.version, directory, manifest, created: true }
}
