/** Sends an answer as ClickHouse would: its headers, its error texts, gzip where asked, at the pace of the reader. */
import { constants, createGzip, type Gzip } from 'node:zlib'
import type { HttpResponse } from 'uWebSockets.js'
import type { SqlAnswer } from './query-runner.ts'
import { describeError, httpStatus } from './sql-error.ts'

const CONTENT_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^(?:JSONEachRow|JSONLines|NDJSON|JSONCompact\w*EachRow\w*|JSONStringsEachRow\w*)$/, 'application/x-ndjson; charset=UTF-8'],
  [/^JSON/, 'application/json; charset=UTF-8'],
  [/^CSV/, 'text/csv; charset=UTF-8; header=absent'],
  [/^(?:TabSeparated|TSV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^XML$/, 'application/xml; charset=UTF-8'],
  [/^(?:Native|RowBinary|Parquet|Arrow|ORC|Avro|MsgPack|BSON)/, 'application/octet-stream'],
]
const contentType = (format: string): string => CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8'

/** The response of one request; every write checks that the client is still there. */
export class SqlResponse {
  readonly #res: HttpResponse
  readonly #queryId: string
  readonly #gzip: boolean
  readonly #gone = new AbortController()
  /** While the socket is full: what all writes wait for together, since with gzip one may come while another waits. */
  #full: PromiseWithResolvers<void> | undefined
  #ended = false

  constructor(res: HttpResponse, options: { readonly queryId: string; readonly gzip: boolean }) {
    this.#res = res
    this.#queryId = options.queryId
    this.#gzip = options.gzip
    res.onAborted(() => {
      this.#ended = true
      this.#gone.abort()
      this.#drained()
    })
    res.onWritable(() => {
      this.#drained()
      return true
    })
  }

  /** Aborted when the client disconnects. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  text(status: string, body: string): void {
    this.#cork(() => {
      this.#res.writeStatus(status)
      this.#headers('TabSeparated', undefined)
      this.#res.end(body)
    })
  }

  error(error: unknown): void {
    const { code, text } = describeError(error)
    const status = httpStatus(code)
    this.#cork(() => {
      this.#res.writeStatus(status)
      if (status.startsWith('401')) this.#res.writeHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"')
      this.#res.writeHeader('X-ClickHouse-Exception-Code', String(code))
      this.#headers('TabSeparated', undefined)
      this.#res.end(`${text}\n`)
    })
  }

  /** Resolves when all is sent or the client is gone. A failure after the first byte ends the connection with the error text in the body. */
  async answer({ format, chunks }: SqlAnswer, startedAt: number, now: () => number): Promise<void> {
    // Always one step at least: a generator that never began would never free its connection.
    const first = await chunks.next()
    const compressor = this.#gzip ? createGzip({ level: constants.Z_BEST_SPEED }) : undefined
    const out = compressor === undefined ? (bytes: Buffer) => this.#write(bytes) : this.#through(compressor)
    this.#cork(() => {
      this.#res.writeStatus('200 OK')
      const rows = first.done === true ? 0 : first.value.rows
      this.#headers(format, {
        rows,
        bytes: first.done === true ? 0 : first.value.bytes.length,
        elapsedNs: Math.round((now() - startedAt) * 1e6),
      })
    })
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) {
        if (this.#ended) break
        await out(next.value.bytes)
      }
      if (compressor !== undefined) await finished(compressor)
      this.#cork(() => this.#res.end())
    } catch (error) {
      const { text } = describeError(error)
      void this.#write(Buffer.from(`\n__exception__\n${text}\n`))
      // Cutting the connection tells every client that this is no whole result.
      this.#cork(() => this.#res.close())
    } finally {
      await chunks.return()
    }
  }

  #headers(format: string, summary: { readonly rows: number; readonly bytes: number; readonly elapsedNs: number } | undefined): void {
    const res = this.#res
    res.writeHeader('Content-Type', contentType(format))
    res.writeHeader('X-ClickHouse-Query-Id', this.#queryId)
    res.writeHeader('X-ClickHouse-Format', format)
    res.writeHeader('X-ClickHouse-Timezone', 'UTC')
    res.writeHeader('X-ClickHouse-Server-Display-Name', 'scorestream')
    res.writeHeader('X-Content-Type-Options', 'nosniff')
    res.writeHeader('Cache-Control', 'no-store')
    if (summary === undefined) return
    if (this.#gzip) res.writeHeader('Content-Encoding', 'gzip')
    const { rows, bytes, elapsedNs } = summary
    // Of a result that streams, what is known when it begins: as on a ClickHouse server that does not wait for the end.
    res.writeHeader(
      'X-ClickHouse-Summary',
      JSON.stringify({
        read_rows: String(rows),
        read_bytes: String(bytes),
        written_rows: '0',
        written_bytes: '0',
        total_rows_to_read: '0',
        result_rows: String(rows),
        result_bytes: String(bytes),
        elapsed_ns: String(elapsedNs),
      }),
    )
  }

  #cork(work: () => void): void {
    if (!this.#ended) this.#res.cork(work)
  }

  #drained(): void {
    this.#full?.resolve()
    this.#full = undefined
  }

  /** Writes and, where the socket is full, waits for the reader. */
  #write(bytes: Buffer): Promise<void> | undefined {
    if (this.#ended || bytes.length === 0) return undefined
    let room = true
    this.#res.cork(() => {
      room = this.#res.write(bytes)
    })
    if (room) return undefined
    this.#full ??= Promise.withResolvers<void>()
    return this.#full.promise
  }

  #through(gzip: Gzip): (bytes: Buffer) => Promise<void> {
    let waiting: Promise<void> | undefined
    gzip.on('data', (compressed: Buffer) => {
      waiting = this.#write(compressed) ?? waiting
    })
    return async (bytes) => {
      await new Promise<void>((resolve, reject) => gzip.write(bytes, (error) => (error ? reject(error) : resolve())))
      await waiting
    }
  }
}

/** Flushes what the compressor holds. */
const finished = (gzip: Gzip): Promise<void> =>
  new Promise((resolve, reject) => {
    gzip.once('end', resolve)
    gzip.once('error', reject)
    gzip.end()
  })
