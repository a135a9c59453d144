/** From the parts of an HTTP request to what is asked of the engine. */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { SqlError } from './sql-error.ts'

export interface SqlRequest {
  readonly sql: string
  readonly database: string
  /** Format where the query names none. */
  readonly format: string
  /** Values for `{name:Type}`, by name. */
  readonly parameters: ReadonlyMap<string, string>
  /** Everything else in the query string: settings. */
  readonly settings: ReadonlyMap<string, string>
  readonly queryId: string | null
}

/** One part of a multipart body. */
export interface FormPart {
  readonly name: string
  readonly filename?: string | undefined
  readonly data: Uint8Array
}

const NAMES = new Set(['query', 'database', 'default_format', 'query_id', 'user', 'password', 'compress', 'decompress', 'quota_key'])
/** Names, values and the number of them are bounded by the request line (16 KiB) and the body. */
const PARAMETER = /^param_([A-Za-z_][A-Za-z0-9_]{0,63})$/

/** Undoes `Content-Encoding`; the result may not exceed `bytesMax`. */
export const decompress = (body: Buffer, encoding: string, bytesMax: number): Buffer => {
  try {
    switch (encoding.trim().toLowerCase()) {
      case '':
      case 'identity':
        return body
      case 'gzip':
        return gunzipSync(body, { maxOutputLength: bytesMax })
      case 'deflate':
        return inflateSync(body, { maxOutputLength: bytesMax })
      case 'br':
        return brotliDecompressSync(body, { maxOutputLength: bytesMax })
      default:
        throw new SqlError(
          'NOT_IMPLEMENTED',
          `Content-Encoding ${encoding.slice(0, 32)} is not supported; send identity, gzip, deflate or br`,
        )
    }
  } catch (error) {
    if (error instanceof SqlError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new SqlError('TOO_LARGE_STRING_SIZE', `the body exceeds ${bytesMax} bytes once decompressed; shorten the query`)
    throw new SqlError('CANNOT_DECOMPRESS', `the body is not valid ${encoding.slice(0, 32)}`)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const text = (bytes: Uint8Array, what: string): string => {
  let decoded: string
  try {
    decoded = utf8.decode(bytes)
  } catch {
    throw new SqlError('BAD_ARGUMENTS', `${what} is not valid UTF-8`)
  }
  // The engine's C interface ends a text at the first NUL: what was checked would not be what runs.
  if (decoded.includes('\0')) throw new SqlError('BAD_ARGUMENTS', `${what} contains a NUL byte`)
  return decoded
}

const decodedUrl = (query: string): URLSearchParams => {
  if (/%00/.test(query)) throw new SqlError('BAD_ARGUMENTS', 'the query string contains a NUL byte')
  return new URLSearchParams(query)
}

export interface RequestParts {
  /** What follows the question mark. */
  readonly queryString: string
  readonly body: Buffer
  readonly form: readonly FormPart[] | undefined
  readonly formatHeader: string
  readonly databaseHeader: string
}

/** Where the same name comes twice the query string wins over the form. Throws `SqlError`. */
export const parseSqlRequest = (parts: RequestParts): SqlRequest => {
  const url = decodedUrl(parts.queryString)
  const parameters = new Map<string, string>()
  const settings = new Map<string, string>()
  let formQuery = ''
  const take = (name: string, value: string): void => {
    const parameter = PARAMETER.exec(name)?.[1]
    if (parameter !== undefined) parameters.set(parameter, value)
    else if (name === 'query') formQuery = value
    else if (!NAMES.has(name)) settings.set(name, value)
  }
  for (const part of parts.form ?? []) {
    if (part.filename !== undefined || part.name.endsWith('_structure') || part.name.endsWith('_format'))
      throw new SqlError('NOT_IMPLEMENTED', 'external tables in the form are not supported; join with a subquery instead')
    take(part.name, text(part.data, `the form field ${part.name.slice(0, 64)}`))
  }
  for (const [name, value] of url) if (name !== 'query') take(name, value)
  if (url.get('compress') === '1' || url.get('decompress') === '1')
    throw new SqlError('NOT_IMPLEMENTED', "ClickHouse's own compression is not supported; use compress=0 with Accept-Encoding: gzip")
  const pieces = [url.get('query') ?? '', formQuery, parts.form === undefined ? text(parts.body, 'the query') : '']
  return {
    sql: pieces.filter((piece) => piece !== '').join('\n'),
    database: url.get('database') ?? (parts.databaseHeader === '' ? 'default' : parts.databaseHeader),
    format: parts.formatHeader || (url.get('default_format') ?? 'TabSeparated'),
    parameters,
    settings,
    queryId: url.get('query_id'),
  }
}
