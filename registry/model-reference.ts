/** How people and settings name a model: `credit@champion` (an alias) or `credit@3f2a90b1c4de` (a version). */
import { RegistryError } from './registry-error.ts'

/** `champion` decides; `challenger` is compared with it; `fallback` stands in where the champion cannot be loaded. */
export const ALIASES = ['champion', 'challenger', 'fallback'] as const
export type Alias = (typeof ALIASES)[number]

export interface ModelReference {
  readonly name: string
  /** An alias or a version. */
  readonly selector: string
}

/** Names and versions become folder names: lower-case letters, digits and `.-`, never a path. */
const PART = /^[a-z0-9][a-z0-9.-]{0,63}$/

export const isAlias = (selector: string): selector is Alias => (ALIASES as readonly string[]).includes(selector)

/** Throws `malformed-reference` unless `text` may name a folder. */
export const checkPart = (what: 'model name' | 'version', text: string): string => {
  if (PART.test(text) && !text.includes('..')) return text
  throw new RegistryError(
    'malformed-reference',
    `${what} "${text.slice(0, 64)}" is not a plain name`,
    'use lower-case letters, digits, dots and dashes',
  )
}

/** Parses `name@selector`; a bare name means its champion. */
export const parseReference = (text: string): ModelReference => {
  const [name = '', selector = 'champion', ...rest] = text.split('@')
  if (rest.length > 0)
    throw new RegistryError(
      'malformed-reference',
      `model reference "${text.slice(0, 64)}" has more than one @`,
      'write it as name@alias or name@version',
    )
  return { name: checkPart('model name', name), selector: checkPart('version', selector) }
}
