/** Exit codes of every command (after sysexits.h), and the error that carries one with a message for people. */
export const EXIT = {
  ok: 0,
  findings: 1,
  usage: 64,
  badData: 65,
  noInput: 66,
  unavailable: 69,
  bug: 70,
  cannotWrite: 73,
  temporary: 75,
  config: 78,
} as const

/** Ends a command with a message and no stack trace: something the reader can mend. */
export class CommandError extends Error {
  readonly exitCode: number
  /** Stable, lower-kebab. */
  readonly code: string

  constructor(code: string, message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.code = code
    this.exitCode = exitCode
  }
}
