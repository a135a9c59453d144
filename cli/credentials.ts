/** Reads the file of tokens: one `name role token` a line. The tokens themselves are never logged. */
import { readFileSync, statSync } from 'node:fs'
import type { Credential, Role } from '#gateway/settings.ts'
import { CommandError, EXIT } from './exit.ts'

const ROLES: readonly string[] = ['reader', 'producer', 'operator'] satisfies Role[]

export const readCredentials = (file: string | undefined): Credential[] => {
  if (file === undefined) return []
  if ((statSync(file).mode & 0o077) !== 0)
    throw new CommandError('tokens-readable', `${file} holds secrets but others may read it: chmod 600 ${file}`, EXIT.config)
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line, index) => ({ words: line.trim().split(/\s+/), number: index + 1 }))
    .filter(({ words }) => words[0] !== '' && !words[0]?.startsWith('#'))
    .map(({ words, number }) => {
      const [name, role, token] = words
      if (name === undefined || role === undefined || token === undefined || words.length !== 3 || !ROLES.includes(role))
        throw new CommandError(
          'bad-config',
          `${file}, line ${number}: write "name role token", the role one of ${ROLES.join(', ')}`,
          EXIT.config,
        )
      return { name, role: role as Role, token }
    })
}
