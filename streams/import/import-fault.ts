/** Reasons for which an import cannot begin or go on: the mapping, the files or the work folder are not what they should be. */

export type ImportFaultCode =
  | 'mapping-invalid'
  | 'mapping-unknown'
  | 'file-unsuitable'
  | 'file-unmatched'
  | 'import-changed'
  | 'import-interrupted'
  | 'import-target'

/** A person must act; the message says what was wrong, where, and what to do. */
export class ImportFault extends Error {
  override readonly name = 'ImportFault'
  readonly code: ImportFaultCode
  constructor(code: ImportFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
