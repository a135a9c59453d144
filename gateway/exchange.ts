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

/** What is kept of a body that was not read to its end. */
const PREFIX_BYTES = 64 << 10
/** Of refusals for want of storage, the first and then one in so many is logged; all are counted. */
const LOGGED_EVERY = 1_000
/** How long a client may take to begin a body that is refused for its length. */
const PREFIX_WAIT_MS = 1_500

const statusLines = new Map(Object.entries(STATUS_CODES).map(([status, text]) => [Number(status), `${status} ${text}`]))

export class Exchange {
  readonly #res: HttpResponse
  readonly #around: Surroundings
  /** Path without query: queries may hold cursors. */
  readonly path: string
  readonly #contentLength: number
  /** The client asked before sending its body (curl does above 1 MiB): what it does not send is not lost. */
  readonly #expects: boolean
  #state: 'open' | 'answered' | 'aborted' = 'open'
  #held = 0
  #headOnly = false
  /** Part of the body is still to come. */
  #unread = false
  #cancel: (() => void) | undefined

  constructor(res: HttpResponse, req: HttpRequest, around: Surroundings) {
    this.#res = res
    this.#around = around
    this.path = req.getUrl()
    this.#headOnly = req.getMethod() === 'head'
    // Transfer-Encoding: chunked has no length; NaN never exceeds a bound.
    this.#expects = req.getHeader('expect') !== ''
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
      this.#unread = true
      const announced = this.#contentLength > bytesMax
      // Waiting for a first part of what is refused, so that the dead letter shows what it was.
      if (announced && this.#expects) return settle({ kind: 'too-large', prefix: Buffer.alloc(0) })
      if (announced) timer = setTimeout(() => settle({ kind: 'too-large', prefix: Buffer.alloc(0) }), PREFIX_WAIT_MS)
      this.#res.onData((chunk, isLast) => {
        if (isLast) this.#unread = false
        if (done || (chunk.byteLength === 0 && !isLast)) return
        // The chunk is only lent: it is emptied as soon as this returns.
        const copy = Buffer.from(new Uint8Array(chunk))
        bytes += copy.length
        this.#held += copy.length
        counters.bodyBytesHeld += copy.length
        if (counters.bodyBytesHeld > limits.bodiesBytesMax) return settle({ kind: 'overloaded' })
        if (announced || bytes > bytesMax)
          return settle({ kind: 'too-large', prefix: Buffer.concat([...chunks, copy]).subarray(0, PREFIX_BYTES) })
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
    this.#around.counters.problems[document.code] = (this.#around.counters.problems[document.code] ?? 0) + 1
    this.send(document.status, PROBLEM_TYPE, JSON.stringify({ ...document, instance: this.path.slice(0, 256) }), extra)
  }

  send(status: number, contentType: string, body: string | Uint8Array, headers: Headers = []): void {
    this.#release()
    if (this.#state !== 'open') return
    this.#state = 'answered'
    this.#around.counters.inFlight--
    this.#around.counters.answered(status)
    this.#res.cork(() => {
      this.#res.writeStatus(statusLines.get(status) ?? String(status))
      this.#res.writeHeader('Content-Type', contentType)
      this.#res.writeHeader('X-Content-Type-Options', 'nosniff')
      if (!headers.some(([name]) => name === 'Cache-Control')) this.#res.writeHeader('Cache-Control', 'no-store')
      for (const [name, value] of headers) this.#res.writeHeader(name, value)
      // A body that was refused half-way is not read on: the connection ends with the answer.
      if (this.#headOnly) this.#res.endWithoutBody(Buffer.byteLength(body), this.#unread)
      else this.#res.end(body, this.#unread)
    })
  }

  /** The last resort of a route: the process lives on, the caller learns nothing of the inside, the log does. */
  fail(error: unknown): void {
    const code = (error as { code?: unknown } | null)?.code
    if (code === 'overloaded')
      return this.problem(problem('overloaded', 'more is arriving than can be made durable; send again after the time in Retry-After'))
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    const foreseen = code === 'disk-full' || code === 'closed'
    const stack = error instanceof Error && !foreseen ? error.stack : undefined
    // A full disk refuses every request: its log must not fill up with that as well.
    const before = this.#around.counters.problems['storage-unavailable'] ?? 0
    if (!foreseen || before % LOGGED_EVERY === 0) this.#around.log.error({ path: this.path, error: message, stack }, 'a route failed')
    if (foreseen)
      return this.problem(
        problem(
          'storage-unavailable',
          'the engine could not store this just now (is the disk full?); send it again, what was stored already is then a duplicate',
        ),
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
