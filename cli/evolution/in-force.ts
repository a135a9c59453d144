/**
 * Which feature set decides on a data directory, and by which bundle: beside the states, since it says which of them are complete. Where the
 * registry names a bundle of another set, the one in force goes on deciding until the other's states are.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RegistryError } from '#registry/registry-error.ts'
import { resolve, type ResolvedBundle } from '#registry/resolve.ts'
import type { Logger } from '#streams/logger.ts'
import type { Config } from '../config.ts'

export interface InForce {
  readonly featureSetHash: string
  /** name@version. */
  readonly modelVersion: string
}

const fileIn = (dataDir: string): string => join(dataDir, 'state', 'in-force.json')

/** Undefined in a directory on which nothing was decided yet, or whose state folder was deleted: any set may begin there. */
export const readInForce = (dataDir: string): InForce | undefined => {
  const file = fileIn(dataDir)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as InForce) : undefined
}

/** Durable before it returns. */
export const writeInForce = (dataDir: string, inForce: InForce): void => {
  const file = fileIn(dataDir)
  mkdirSync(join(dataDir, 'state'), { recursive: true })
  writeFileSync(`${file}.new`, `${JSON.stringify(inForce, null, 2)}\n`, { flush: true })
  renameSync(`${file}.new`, file)
  const folder = openSync(join(dataDir, 'state'), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** The bundle that an engine begins with: the configured one, unless its feature set's states are still to be filled. */
export const bundleToBeginWith = ({ dataDir, models, log }: Config, logger: Pick<Logger, 'warn'>): ResolvedBundle => {
  const wanted = resolve(models.dir, models.champion)
  const inForce = log.kind === 'embedded' ? readInForce(dataDir) : undefined
  if (inForce === undefined || inForce.featureSetHash === wanted.manifest.featureSetHash) return wanted
  const facts = { inForce: inForce.modelVersion, wanted: `${wanted.name}@${wanted.version}` }
  try {
    const former = resolve(models.dir, inForce.modelVersion)
    logger.warn(facts, 'the bundle in force goes on deciding until the states of the wanted one’s feature set are complete')
    return former
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    logger.warn(facts, 'the bundle in force is gone: the wanted one decides once its states are folded again from the log')
    return wanted
  }
}
