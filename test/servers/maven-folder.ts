/** What Maven brings for tests, kept in `.servers/` under the contents of its POM, so that a changed version is fetched anew. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
/** A hundred MB from a far mirror. */
const FETCH_MS_MAX = 280_000

/**
 * Folder with what `goal` puts into the folder that its property `target` names; undefined where Maven is missing or fails. `properties`
 * (`-Dname=value`) overrule the POM's.
 */
export const mavenFolder = (
  name: string,
  pom: string,
  goal: string,
  target: string,
  properties: readonly string[] = [],
): string | undefined => {
  const contents = createHash('sha256').update(readFileSync(pom)).update(properties.join(' '))
  const version = contents.digest('hex').slice(0, 12)
  const folder = join(ROOT, '.servers', `${name}-${version}`)
  if (existsSync(folder)) return folder
  const making = `${folder}.${process.pid}`
  try {
    mkdirSync(making, { recursive: true })
    const args = [
      '-q',
      '-B',
      '-f',
      pom,
      goal,
      `-D${target}=${making}`,
      '-DincludeScope=runtime',
      '-Dmdep.useSubDirectoryPerArtifact=false',
      ...properties,
    ]
    execFileSync('mvn', args, { stdio: 'pipe', timeout: FETCH_MS_MAX })
    renameSync(making, folder)
    return folder
  } catch {
    rmSync(making, { recursive: true, force: true })
    return existsSync(folder) ? folder : undefined
  }
}
