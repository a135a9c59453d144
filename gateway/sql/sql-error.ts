/** Errors as ClickHouse words them, so that its clients understand: `Code: N. DB::Exception: … (NAME)`. */

const CODES = {
  BAD_ARGUMENTS: 36,
  UNKNOWN_DATABASE: 81,
  UNKNOWN_SETTING: 115,
  TOO_LARGE_STRING_SIZE: 131,
  TIMEOUT_EXCEEDED: 159,
  READONLY: 164,
  REQUIRED_PASSWORD: 194,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  CANNOT_DECOMPRESS: 271,
  TOO_MANY_ROWS_OR_BYTES: 396,
  QUERY_WAS_CANCELLED: 394,
  ACCESS_DENIED: 497,
  AUTHENTICATION_FAILED: 516,
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
} as const
export type SqlErrorName = keyof typeof CODES

export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly code: number
  constructor(name: SqlErrorName, message: string) {
    super(`Code: ${CODES[name]}. DB::Exception: ${message} (${name})`)
    this.code = CODES[name]
  }
}

/** Code and text of anything thrown on the way of a query. Foreign errors lose their stack: it is nobody's business outside. */
export const describeError = (error: unknown): { readonly code: number; readonly text: string } => {
  const message = error instanceof Error ? error.message : String(error)
  const match = /Code: (\d+)\. DB::Exception: [\s\S]*/.exec(message)
  return match
    ? { code: Number(match[1]), text: match[0].trim() }
    : { code: 1002, text: 'Code: 1002. DB::Exception: internal error; see the log of the warehouse process (UNKNOWN_EXCEPTION)' }
}

/** Status as ClickHouse's HTTPHandler chooses it from the code. */
export const httpStatus = (code: number): string => {
  switch (code) {
    case 194:
    case 516:
      return '401 Unauthorized'
    case 164:
    case 192:
    case 193:
    case 497:
      return '403 Forbidden'
    // Unknown table, function, identifier, database, setting, format.
    case 60:
    case 46:
    case 47:
    case 81:
    case 115:
    case 73:
      return '404 Not Found'
    case 159:
      return '408 Request Timeout'
    case 131:
      return '413 Payload Too Large'
    case 48:
      return '501 Not Implemented'
    case 202:
      return '503 Service Unavailable'
    // Syntax, arguments, types, limits.
    case 6:
    case 27:
    case 36:
    case 43:
    case 53:
    case 62:
    case 63:
    case 271:
    case 386:
    case 456:
    case 457:
      return '400 Bad Request'
    default:
      return '500 Internal Server Error'
  }
}
