/** The live feed: goes on behind the last message after every interruption, without gap or repeat. */
import type { FeedMessage } from './types.ts'

export type FeedState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** Lost; the next attempt is at `againAt` (milliseconds of the page's clock). */
  | { readonly kind: 'waiting'; readonly againAt: number; readonly attempts: number }

export interface FeedCalls {
  readonly message: (message: FeedMessage) => void
  readonly state: (state: FeedState) => void
  /** The cursor was older than what the server holds: decisions between then and now are not shown. */
  readonly gap: () => void
}

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 15_000
/** The server gives a sign of life every 15 s; a line silent for longer than two of them is dead, whatever the socket says. */
const SILENCE_MS_MAX = 35_000
/** Close code of a cursor that lies before what is held. */
const CURSOR_EXPIRED = 4410

export class FeedConnection {
  readonly #calls: FeedCalls
  readonly #token: () => string
  readonly #backlog: number
  #cursor: string
  #socket: WebSocket | undefined
  #retryMs = RETRY_MS_MIN
  #attempts = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  #closed = false

  /** Begins `backlog` decisions ago (at most 1,000). */
  constructor(backlog: number, token: () => string, calls: FeedCalls) {
    this.#calls = calls
    this.#token = token
    this.#backlog = backlog
    this.#cursor = `-${backlog}`
  }

  open(): void {
    clearTimeout(this.#timer)
    this.#calls.state({ kind: 'connecting' })
    const url = new URL('/v1/feed', location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    url.searchParams.set('after', this.#cursor)
    url.searchParams.set('mode', 'live')
    const token = this.#token()
    const socket = new WebSocket(url, token === '' ? [] : ['scorestream.v1', `bearer.${token}`])
    this.#socket = socket
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return
      this.#calls.state({ kind: 'open' })
      this.#listenForLife()
    })
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#take(String(data))
    })
    socket.addEventListener('close', ({ code }) => {
      if (socket === this.#socket) this.#lost(code)
    })
  }

  /** Tries at once instead of waiting: somebody asked, or the token changed. */
  retryNow(): void {
    this.#drop()
    this.#retryMs = RETRY_MS_MIN
    this.open()
  }

  close(): void {
    this.#closed = true
    this.#drop()
  }

  #take(data: string): void {
    const message = JSON.parse(data) as FeedMessage | { readonly cursor: string; readonly kind: 'revision' }
    this.#cursor = message.cursor
    this.#retryMs = RETRY_MS_MIN
    this.#attempts = 0
    this.#listenForLife()
    // Revisions have pages of their own; alerts are shown where decisions are.
    if (message.kind !== 'revision') this.#calls.message(message)
  }

  #listenForLife(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      this.#drop()
      this.#lost(0)
    }, SILENCE_MS_MAX)
  }

  #drop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#silence)
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
  }

  #lost(code: number): void {
    clearTimeout(this.#silence)
    if (this.#closed) return
    if (code === CURSOR_EXPIRED) {
      this.#cursor = `-${this.#backlog}`
      this.#calls.gap()
    }
    this.#attempts++
    this.#calls.state({ kind: 'waiting', againAt: performance.now() + this.#retryMs, attempts: this.#attempts })
    this.#timer = setTimeout(() => this.open(), this.#retryMs)
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2)
  }
}
