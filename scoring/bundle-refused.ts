/** Why a bundle or a policy was not loaded. */
export type RefusalCode =
  | 'bundle-unreadable'
  | 'bundle-corrupt'
  | 'bundle-format'
  | 'feature-set-unknown'
  | 'member-unsupported'
  | 'parity-failed'
  | 'policy-invalid'

/** A terminal error at load: the message says what was wrong, where, and what to do. */
export class BundleRefused extends Error {
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BundleRefused'
    this.code = code
  }
}
