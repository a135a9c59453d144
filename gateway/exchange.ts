/** One request and its answer: survives aborts, answers once, bounds what it reads. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { STATUS_CODES } from 'node:http'
import type { GatewayCounters } from './counters.ts'
import type { GatewayLog } from './ports.ts'
import { problem, type Problem } from './problem.ts'
import type { GatewayLimits } from './settings.ts'

export type Headers = readonly (readonly [name: string, value: string])[]

export const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'

/** `aborted`: the client went away, nobody is left to answer. `too-large` and `slow` carry what had arrived. */
export type Body =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'too-large'; readonly prefix: Buffer }
  | { readonly kind: 'slow' }
  | { readonly kind: 'overloaded' }

/** What all exchanges of a gateway share. */
export interface Surroundings {
  readonly limits: GatewayLimits
  readonly counters: GatewayCounters
  readonly log: GatewayLog
}

const statusLines = new Map(Object.entries(STATUS_CODES).map(([status, text]) => [Number(status), `${status} ${text}`]))

export class Exchange {
  readonly #res: HttpResponse
  readonly #around: Surroundings
  /** Path without query: queries may hold cursors. */
  readonly path: string
  readonly #contentLength: number
  #state: 'open' | 'answered' | 'aborted' = 'open'
  #held = 0
  #headOnly = false
  #cancel: (() => void) | undefined

  constructor(res: HttpResponse, req: HttpRequest, around: Surroundings) {
    this.#res = res
    this.#around = around
    this.path = req.getUrl()
    this.#headOnly = req.getMethod() === 'head'
    // Transfer-Encoding: chunked has no length; NaN never exceeds a bound.
    this.#contentLength = Number.parseInt(req.getHeader('content-length'), 10)
    around.counters.inFlight++
    res.onAborted(() => {
      if (this.#state === 'open') {
        this.#state = 'aborted'
        around.counters.inFlight--
        around.counters.aborted++
      }
      this.#release()
      this.#cancel?.()
    })
  }

  /** Called once should the client go away before the answer. */
  onAbort(cancel: () => void): void {
    this.#cancel = cancel
  }

  /** Reads the body to its end. Must be called before the route first awaits: the request is gone afterwards. */
  body(bytesMax: number): Promise<Body> {
    return new Promise((resolve) => {
      const { limits, counters } = this.#around
      const chunks: Buffer[] = []
      let bytes = 0
      let timer: NodeJS.Timeout | undefined
      let done = false
      const settle = (body: Body) => {
        if (done) return
        done = true
        clearTimeout(timer)
        this.#cancel = undefined
        resolve(body)
      }
      this.#cancel = () => settle({ kind: 'aborted' })
      if (this.#contentLength > bytesMax) return settle({ kind: 'too-large', prefix: Buffer.alloc(0) })
      this.#res.onData((chunk, isLast) => {
        if (done) return
        // The chunk is only lent: it is emptied as soon as this returns.
        const copy = Buffer.from(new Uint8Array(chunk))
        bytes += copy.length
        this.#held += copy.length
        counters.bodyBytesHeld += copy.length
        if (counters.bodyBytesHeld > limits.bodiesBytesMax) return settle({ kind: 'overloaded' })
        if (bytes > bytesMax) return settle({ kind: 'too-large', prefix: Buffer.concat([...chunks, copy]) })
        if (isLast && chunks.length === 0) return settle({ kind: 'whole', bytes: copy })
        chunks.push(copy)
        if (isLast) return settle({ kind: 'whole', bytes: Buffer.concat(chunks, bytes) })
        timer ??= setTimeout(() => settle({ kind: 'slow' }), limits.bodyTimeoutMs)
      })
    })
  }

  json(status: number, body: string, headers: Headers = []): void {
    this.send(status, JSON_TYPE, body, headers)
  }

  problem(document: Problem, headers: Headers = []): void {
    const extra: Headers =
      document.status === 503 && !headers.some(([name]) => name === 'Retry-After')
        ? [...headers, ['Retry-After', '1']]
        : document.status === 401
          ? [...headers, ['WWW-Authenticate', 'Bearer realm="scorestream"']]
          : headers
    // A body that was refused half-way is not read on: the connection ends with the answer.
    const close = document.status === 408 || document.status === 413 || document.status === 503
    this.#around.counters.problems[document.code] = (this.#around.counters.problems[document.code] ?? 0) + 1
    this.send(document.status, PROBLEM_TYPE, JSON.stringify({ ...document, instance: this.path.slice(0, 256) }), extra, close)
  }

  send(status: number, contentType: string, body: string | Uint8Array, headers: Headers = [], close = false): void {
    this.#release()
    if (this.#state !== 'open') return
    this.#state = 'answered'
    this.#around.counters.inFlight--
    this.#around.counters.answered(status)
    this.#res.cork(() => {
      this.#res.writeStatus(statusLines.get(status) ?? String(status))
      this.#res.writeHeader('Content-Type', contentType)
      this.#res.writeHeader('X-Content-Type-Options', 'nosniff')
      this.#res.writeHeader('Cache-Control', 'no-store')
      for (const [name, value] of headers) this.#res.writeHeader(name, value)
      if (this.#headOnly) this.#res.endWithoutBody(Buffer.byteLength(body), close)
      else this.#res.end(body, close)
    })
  }

  /** The last resort of a route: the process lives on, the caller learns nothing of the inside, the log does. */
  fail(error: unknown): void {
    if ((error as { code?: unknown } | null)?.code === 'overloaded')
      return this.problem(problem('overloaded', 'more is arriving than can be made durable; send again after the time in Retry-After'))
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    this.#around.log.error({ path: this.path, error: message, stack: error instanceof Error ? error.stack : undefined }, 'a route failed')
    if ((error as { retryable?: unknown } | null)?.retryable === true)
      return this.problem(
        problem('storage-unavailable', 'the engine could not store this just now (is the disk full?); nothing was accepted'),
      )
    this.problem(problem('internal', 'the server failed on this request; its log says why'))
  }

  /** The connection becomes a WebSocket: nothing is answered any more. Synchronous, within the upgrade handler. */
  upgraded(): void {
    this.#state = 'answered'
    this.#around.counters.inFlight--
  }

  /** Body bytes are held from arrival to answer. */
  #release(): void {
    this.#around.counters.bodyBytesHeld -= this.#held
    this.#held = 0
  }
}
