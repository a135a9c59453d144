/** Moves aliases between published versions, and back. */
import { join } from 'node:path'
import { moveAlias, readAlias, readHistory } from './alias-file.ts'
import { type Alias, ALIASES, checkPart, isAlias } from './model-reference.ts'
import { RegistryError } from './registry-error.ts'
import { resolve } from './resolve.ts'

export interface AliasMove {
  readonly alias: Alias
  readonly from: string | null
  readonly to: string
}

/** Aliases also arrive from command lines. */
const checkAlias = (alias: string): void => {
  if (!isAlias(alias)) throw new RegistryError('unknown-alias', `"${alias.slice(0, 64)}" is no alias`, `use one of ${ALIASES.join(', ')}`)
}

/** Points `alias` at `version` once the version's files are verified. Promoting what already holds the alias changes nothing. */
export const promote = (modelsDir: string, name: string, version: string, alias: Alias): AliasMove => {
  checkAlias(alias)
  resolve(modelsDir, `${checkPart('model name', name)}@${checkPart('version', version)}`)
  const folder = join(modelsDir, name)
  const from = readAlias(folder, alias)
  if (from === version) return { alias, from, to: version }
  moveAlias(folder, alias, version, from === null ? [] : [...readHistory(folder, alias).filter((past) => past !== from), from])
  return { alias, from, to: version }
}

/** Points `alias` back at the version that held it before, verified first. Throws `nothing-to-roll-back` where none did. */
export const rollBack = (modelsDir: string, name: string, alias: Alias): AliasMove => {
  checkAlias(alias)
  const folder = join(modelsDir, checkPart('model name', name))
  const from = readAlias(folder, alias)
  const history = readHistory(folder, alias).filter((past) => past !== from)
  const to = history.at(-1)
  if (to === undefined)
    throw new RegistryError(
      'nothing-to-roll-back',
      `${alias} of "${name}" has held no other version`,
      'promote the version you want instead',
    )
  resolve(modelsDir, `${name}@${to}`)
  moveAlias(folder, alias, to, history.slice(0, -1))
  return { alias, from, to }
}
