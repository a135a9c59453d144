/** Moves aliases between published versions, and back. */
import { join } from 'node:path'
import { moveAlias, readAlias, readHistory } from './alias-file.ts'
import { type Alias, ALIASES, checkPart, isAlias } from './model-reference.ts'
import { type Attribution, recordPromotion } from './promotion-ledger.ts'
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

/** A crash after the move leaves it unrecorded rather than recorded and not made; whoever follows the ledger finds the difference. */
const record = (modelsDir: string, name: string, { alias, from, to }: AliasMove, attribution: Attribution): void =>
  recordPromotion(modelsDir, { name, alias, version: to, previousVersion: from, ...attribution })

/**
 * Points `alias` at `version` once the version's files are verified, and records who did it and why. Promoting what already holds the
 * alias changes nothing and records nothing.
 */
export const promote = (modelsDir: string, name: string, version: string, alias: Alias, attribution: Attribution): AliasMove => {
  checkAlias(alias)
  resolve(modelsDir, `${checkPart('model name', name)}@${checkPart('version', version)}`)
  const folder = join(modelsDir, name)
  const from = readAlias(folder, alias)
  if (from === version) return { alias, from, to: version }
  moveAlias(folder, alias, version, from === null ? [] : [...readHistory(folder, alias).filter((past) => past !== from), from])
  const move = { alias, from, to: version }
  record(modelsDir, name, move, attribution)
  return move
}

/** Points `alias` back at the version that held it before, verified first, and records it. Throws `nothing-to-roll-back` where none did. */
export const rollBack = (modelsDir: string, name: string, alias: Alias, attribution: Attribution): AliasMove => {
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
  const move = { alias, from, to }
  record(modelsDir, name, move, attribution)
  return move
}
