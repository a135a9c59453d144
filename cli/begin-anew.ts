/** Emptying a data directory for a fresh start. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDirectoryLocked, readFormat } from '#streams/embedded/data-directory.ts'
import { CommandError, EXIT } from './exit.ts'
import { findEngine } from './running-engine.ts'

/** Empties a data directory, but only one that is ours and that nobody uses. */
export const beginAnew = (dataDir: string): void => {
  if (!existsSync(dataDir)) return
  if (isDirectoryLocked(dataDir))
    throw new CommandError(
      'directory-locked',
      `${dataDir} is in use by process ${findEngine(dataDir)?.pid ?? 'unknown'}; end it first`,
      EXIT.temporary,
    )
  if (existsSync(join(dataDir, 'format.json'))) readFormat(dataDir)
  else throw new CommandError('directory-foreign', `${dataDir} is not a data directory of this engine and is not deleted`, EXIT.badData)
  rmSync(dataDir, { recursive: true })
}
