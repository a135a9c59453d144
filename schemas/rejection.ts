/** A rejected event is a value, not an exception: it goes to the dead letters with its bytes and position. */

/** Stable codes, lower-kebab. They appear in problem documents, dead letters and metrics alike. */
export type RejectionCode =
  | 'malformed-json'
  | 'invalid-utf8'
  | 'schema-violation'
  | 'unknown-kind'
  | 'unknown-schema'
  | 'too-large'
  | 'too-deep'
  | 'too-old'
  | 'too-far-ahead'
  | 'duplicate-conflict'
  | 'poison'

export interface FieldError {
  /** RFC 6901 JSON pointer to the offending value. */
  readonly pointer: string
  /** The offending value, shortened to 64 characters; masked where the field's privacy class asks for it. */
  readonly value: string
  readonly expected: string
  readonly remedy: string
}

export interface Rejection {
  readonly code: RejectionCode
  readonly detail: string
  readonly errors: readonly FieldError[]
}

export type Parsed<Value> =
  | { readonly kind: 'accepted'; readonly value: Value }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
