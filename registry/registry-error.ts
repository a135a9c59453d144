/** Why the registry refused: what was wrong, where, and what to do. */

export type RegistryErrorCode =
  | 'unknown-model'
  | 'unknown-alias'
  | 'unknown-version'
  | 'malformed-reference'
  | 'malformed-manifest'
  | 'malformed-ledger'
  | 'missing-file'
  | 'wrong-hash'
  | 'version-exists'
  | 'nothing-to-roll-back'

export class RegistryError extends Error {
  readonly code: RegistryErrorCode
  readonly remedy: string

  constructor(code: RegistryErrorCode, what: string, remedy: string, cause?: unknown) {
    super(`${what}; ${remedy}`, { cause })
    this.name = 'RegistryError'
    this.code = code
    this.remedy = remedy
  }
}
