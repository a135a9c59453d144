/** `POST /v1/sql`: hands a statement to the SQL interface, so that the dashboard asks on its own origin and with its own credentials. */
import type { HttpRequest } from 'uWebSockets.js'
import type { Exchange } from './exchange.ts'
import { problem } from './problem.ts'
import { mediaType, wholeBody } from './request-body.ts'

/** A statement typed by a person or written by a page. */
const STATEMENT_BYTES_MAX = 64 << 10
/** A result that a page still renders; larger ones belong to the SQL port, which streams. */
const RESULT_BYTES_MAX = 16 << 20
const RESULT_ROWS_MAX = 100_000
/** Statements under way through this route. The SQL interface runs three and lets as many again wait. */
const UNDER_WAY_MAX = 6
/** The SQL interface ends a query after 30 s; what takes longer than this hangs. */
const TIMEOUT_MS = 40_000

/** Media types whose statement is the body as it stands. No form a foreign page could send unasked is among them. */
const STATEMENT_TYPES = new Set(['application/sql'])

export class SqlRoute {
  readonly #sqlUrl: string
  #underWay = 0

  /** `sqlUrl`: where the SQL interface listens; empty where none does. */
  constructor(sqlUrl: string) {
    this.#sqlUrl = sqlUrl
  }

  async handle(exchange: Exchange, req: HttpRequest): Promise<void> {
    if (!STATEMENT_TYPES.has(mediaType(req)))
      return exchange.problem(problem('unsupported-media-type', 'send the statement as the body, with Content-Type: application/sql'))
    const body = await wholeBody(exchange, exchange.body(STATEMENT_BYTES_MAX), STATEMENT_BYTES_MAX)
    if (body === undefined) return
    if (this.#sqlUrl === '')
      return exchange.problem(
        problem('sql-unavailable', 'this server answers no SQL: set warehouse.kind to embedded, or ask the ClickHouse server itself'),
      )
    if (this.#underWay >= UNDER_WAY_MAX)
      return exchange.problem(problem('overloaded', `${UNDER_WAY_MAX} statements are under way; send again after the time in Retry-After`))
    this.#underWay++
    try {
      await this.#forward(exchange, body)
    } finally {
      this.#underWay--
    }
  }

  async #forward(exchange: Exchange, body: Buffer): Promise<void> {
    const gone = new AbortController()
    exchange.onAbort(() => gone.abort())
    const query = `database=scorestream&default_format=JSONCompact&max_result_rows=${RESULT_ROWS_MAX}`
    let response: Response
    let result: Buffer | undefined
    try {
      response = await fetch(`${this.#sqlUrl}/?${query}`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': 'text/plain' },
        signal: AbortSignal.any([gone.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      result = await bounded(response, RESULT_BYTES_MAX)
    } catch {
      // A client that went away is not answered; then this does nothing.
      return exchange.problem(problem('sql-unavailable', 'the SQL interface does not answer; it comes back by itself, send again shortly'))
    }
    if (result === undefined)
      return exchange.problem(problem('sql-failed', `the result exceeds ${RESULT_BYTES_MAX >> 20} MiB: add LIMIT, or use the SQL port`))
    if (!response.ok) return exchange.problem(problem('sql-failed', result.toString().trim().slice(0, 4_000)))
    exchange.send(200, response.headers.get('content-type') ?? 'application/octet-stream', result)
  }
}

/** The whole body, or undefined once it exceeds `bytesMax`; reading then ends. */
const bounded = async (response: Response, bytesMax: number): Promise<Buffer | undefined> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
