/** Every policy that ever decided stays readable beside the data: replaying a past decision needs the very file. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { CommandError, EXIT } from './exit.ts'

const archivePath = (dataDir: string, policyVersion: string): string =>
  join(dataDir, 'policies', `${policyVersion.replaceAll(/[^A-Za-z0-9@._-]/g, '_')}.yaml`)

const digitsOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)

/** Keeps the policy in force under its version. */
export const archivePolicy = (dataDir: string, policyVersion: string, policyFile: string): void => {
  mkdirSync(join(dataDir, 'policies'), { recursive: true })
  const path = archivePath(dataDir, policyVersion)
  if (!existsSync(path)) writeFileSync(path, readFileSync(policyFile), { flush: true })
}

/**
 * The file of a version, checked against the digits of its SHA-256 that the version carries: the archived one, or where another process decided
 * the configured one, if that is it. Throws `policy-missing` or `policy-changed`.
 */
export const archivedPolicy = (
  { dataDir, policy }: Pick<Config, 'dataDir'> & Partial<Pick<Config, 'policy'>>,
  policyVersion: string,
): string => {
  const path = archivePath(dataDir, policyVersion)
  const configured = policy?.file
  if (!existsSync(path) && configured !== undefined && existsSync(configured) && policyVersion.endsWith(`@${digitsOf(configured)}`))
    return configured
  if (!existsSync(path))
    throw new CommandError(
      'policy-missing',
      `policy: ${policyVersion} is not among the policies kept in ${join(dataDir, 'policies')}; restore ${path} from a copy`,
      EXIT.findings,
    )
  const digits = policyVersion.split('@')[1] ?? ''
  const actual = digitsOf(path)
  if (actual !== digits)
    throw new CommandError(
      'policy-changed',
      `policy: ${path} is not the file that decided: its SHA-256 begins ${actual}, the decision names ${digits}; restore it from a copy`,
      EXIT.findings,
    )
  return path
}

/** A sentence where the configured policy is not the one that decided then; undefined where it is, or cannot be read. */
export const policySince = (policyFile: string, policyVersion: string): string | undefined => {
  if (!existsSync(policyFile)) return undefined
  const digits = digitsOf(policyFile)
  return policyVersion.endsWith(`@${digits}`)
    ? undefined
    : `another policy is in force now: ${policyFile}, whose SHA-256 begins ${digits}; it would decide a new application`
}
