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

/** Errors of other rooms that are neither bad data nor a bug, by their stable code. */
const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  'directory-locked': EXIT.temporary,
  'port-in-use': EXIT.temporary,
  'cannot-listen': EXIT.config,
  'refused-settings': EXIT.config,
  'directory-mismatch': EXIT.config,
  'policy-invalid': EXIT.config,
  'disk-full': EXIT.cannotWrite,
  'lightgbm-missing': EXIT.unavailable,
  'xgboost-missing': EXIT.unavailable,
}
/** What the machine refuses: a person can mend it, so it is no bug. */
const SYSTEM_REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free space, or move the data directory (SCORESTREAM_DATA_DIR) to another disk',
  EDQUOT: 'the quota is used up: free space, or move the data directory (SCORESTREAM_DATA_DIR) to another disk',
  EROFS: 'the file system is mounted read-only: name another data directory (SCORESTREAM_DATA_DIR)',
  EACCES: 'this user may not write there: mend the permissions, or name another data directory (SCORESTREAM_DATA_DIR)',
  EPERM: 'this user may not do that: mend the permissions, or name another data directory (SCORESTREAM_DATA_DIR)',
  ENOTDIR: 'a file stands where a directory should be: name another data directory (SCORESTREAM_DATA_DIR)',
  EEXIST: 'a file stands where a directory should be: name another data directory (SCORESTREAM_DATA_DIR)',
  EMFILE: 'too many files are open: raise the limit (ulimit -n 4096)',
}

/** The message and exit code of a foreseen error: one that carries a lower-kebab `code`, or a refusal of the machine. */
export const foreseen = (error: unknown): { readonly message: string; readonly exitCode: number } | undefined => {
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode }
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined
  const { code, message } = error
  if (/^[a-z][a-z0-9-]+$/.test(code)) return { message: `${message} [${code}]`, exitCode: EXIT_OF_CODE[code] ?? EXIT.badData }
  const remedy = SYSTEM_REMEDIES[code]
  return remedy === undefined ? undefined : { message: `${message}; ${remedy}`, exitCode: EXIT.cannotWrite }
}
