/** The kinds of failure that are not values: retryable (the world may recover) and terminal (a person must act). */

export type FailureCode =
  | 'disk-full'
  | 'overloaded'
  | 'closed'
  | 'record-too-large'
  | 'log-corrupt'
  | 'log-broken'
  | 'log-shortened'
  | 'stale-commit'
  | 'fenced'
  | 'directory-locked'
  | 'directory-foreign'
  | 'directory-mismatch'
  | 'state-corrupt'
  | 'state-unavailable'
  | 'state-refused'
  | 'state-mismatch'
  | 'checkpoint-corrupt'
  | 'vault-key'
  | 'vault-corrupt'
  | 'lost-ownership'
  | 'one-content-broken'
  | 'unreachable'
  | 'forbidden'
  | 'settings'
  | 'topic-missing'
  | 'topic-replaced'
  | 'topic-unsuitable'
  | 'partitions-changed'

/** The same call may succeed later; nothing of it took effect. */
export class RetryableFailure extends Error {
  override readonly name = 'RetryableFailure'
  readonly code: FailureCode
  constructor(code: FailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Going on would lose or contradict something. The message says what was wrong, where, and what to do. */
export class TerminalFailure extends Error {
  override readonly name = 'TerminalFailure'
  readonly code: FailureCode
  constructor(code: FailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** A commit whose `from` is not the offset the store holds, or whose epoch was fenced: another owner has been here. */
export class StaleCommit extends Error {
  override readonly name = 'StaleCommit'
  readonly code: FailureCode
  readonly partition: number
  constructor(code: 'stale-commit' | 'fenced', partition: number, message: string) {
    super(message)
    this.code = code
    this.partition = partition
  }
}
