/** An alias is a one-line file holding a version, moved by atomic rename; its history is a second file, newest last. */
import { existsSync, readFileSync, renameSync, writeFileSync, closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Alias } from './model-reference.ts'

/** Versions kept for rolling back. */
const HISTORY_MAX = 32

const historyFile = (modelFolder: string, alias: Alias): string => join(modelFolder, `${alias}.history`)

/** Replaces a file whole or not at all, also across a crash. */
const writeAtomically = (path: string, text: string): void => {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, text)
  const file = openSync(temporary, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

/** Version the alias stands for, or null. */
export const readAlias = (modelFolder: string, alias: Alias): string | null => {
  const path = join(modelFolder, alias)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null
}

/** Versions the alias stood for before, newest last. */
export const readHistory = (modelFolder: string, alias: Alias): string[] => {
  const path = historyFile(modelFolder, alias)
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
}

/**
 * Points the alias at `version`, leaving `history` behind it. The history is written first: a crash between the two leaves the present
 * version at its end, which a reader skips.
 */
export const moveAlias = (modelFolder: string, alias: Alias, version: string, history: readonly string[]): void => {
  if (history.length > 0 || existsSync(historyFile(modelFolder, alias)))
    writeAtomically(
      historyFile(modelFolder, alias),
      history
        .slice(-HISTORY_MAX)
        .map((line) => `${line}\n`)
        .join(''),
    )
  writeAtomically(join(modelFolder, alias), `${version}\n`)
}
