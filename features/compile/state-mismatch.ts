/** State of another layout, or not state at all. Terminal: it must never be read as if it were ours. */
export class StateMismatch extends Error {
  readonly code = 'state-mismatch'

  constructor(found: string, expected: string) {
    super(`feature state has ${found}, this feature set's has ${expected}; drop the stored state and refold it from the input log`)
    this.name = 'StateMismatch'
  }
}
