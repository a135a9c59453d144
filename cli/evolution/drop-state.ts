/** `scorestream features drop-state <set>`: deletes the states of a set that is not in force, once nobody wants to roll back to it. */
import { readdirSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDirectoryLocked } from '#streams/embedded/data-directory.ts'
import { stateFolder } from '../adapters.ts'
import { type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { featureSetNamed } from '../feature-sets.ts'
import { findEngine } from '../running-engine.ts'
import { readInForce } from './in-force.ts'

export const dropState = (options: OptionValues, [given, ...rest]: readonly string[]): number => {
  if (given === undefined || rest.length > 0)
    throw new CommandError('usage', 'drop-state takes one feature set, e.g. credit-v1', EXIT.usage)
  const { name, set } = featureSetNamed(given, 'drop-state')
  const { dataDir } = loadConfig({
    file: text(options, 'config'),
    environment: process.env,
    overrides: { dataDir: text(options, 'data-dir') },
  })
  if (isDirectoryLocked(dataDir))
    throw new CommandError(
      'directory-locked',
      `${dataDir} is in use by process ${findEngine(dataDir)?.pid ?? 'unknown'}, which may have the states of ${name} open; end it first`,
      EXIT.temporary,
    )
  if (readInForce(dataDir)?.featureSetHash === set.hash)
    throw new CommandError('set-in-force', `${name} is in force on ${dataDir}: promote a bundle of another set first`, EXIT.badData)
  const states = join(dataDir, 'state')
  const folders = existsSync(states) ? readdirSync(states).filter((folder) => folder.startsWith(stateFolder(set.hash))) : []
  for (const folder of folders) rmSync(join(states, folder), { recursive: true })
  process.stdout.write(
    folders.length === 0
      ? `${dataDir} holds no states of ${name}\n`
      : `dropped ${folders.map((folder) => join(states, folder)).join(', ')}; a bundle of ${name} can still be promoted: its states are then folded again from the log\n`,
  )
  return EXIT.ok
}
