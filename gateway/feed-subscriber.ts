/** One listener: live, catching up from its own place in the log, or (by its own wish) conflating while its socket is full. */
import type { WebSocket } from 'uWebSockets.js'
import type { GatewayCounters } from './counters.ts'
import { matches, type FeedFilter } from './feed-filter.ts'
import { conflatedMessage, noneSkipped, type FeedMessage, type Skipped } from './feed-message.ts'
import { decodeCursor, encodeCursor } from './feed-cursor.ts'
import type { FeedState } from './feed-state.ts'

/** `all`: nothing is left out, a slow reader falls behind. `live`: nothing is late, a slow reader gets counts. */
export type FeedMode = 'all' | 'live'

export interface FeedWish {
  readonly filter: FeedFilter
  readonly mode: FeedMode
  /** Undefined: from now on. */
  readonly after: FeedState | undefined
}

export type SubscriberState =
  | { readonly kind: 'live' }
  | { readonly kind: 'catching-up'; readonly at: FeedState }
  | { readonly kind: 'conflating'; readonly skipped: Skipped }

/** The part of a WebSocket the feed uses. */
export type FeedSocket = Pick<WebSocket<unknown>, 'send' | 'getBufferedAmount' | 'cork' | 'end'>

/** Close codes 4000–4999 are the application's (RFC 6455, 7.4.2). */
const CURSOR_EXPIRED = 4410

export class FeedSubscriber {
  readonly #socket: FeedSocket
  readonly #wish: FeedWish
  readonly #bufferBytesMax: number
  readonly #counters: GatewayCounters
  state: SubscriberState
  open = true
  /** A catch-up read is under way. */
  reading = false

  constructor(socket: FeedSocket, wish: FeedWish, bufferBytesMax: number, counters: GatewayCounters) {
    this.#socket = socket
    this.#wish = wish
    this.#bufferBytesMax = bufferBytesMax
    this.#counters = counters
    this.state = wish.after === undefined ? { kind: 'live' } : { kind: 'catching-up', at: wish.after }
  }

  get congested(): boolean {
    return this.#socket.getBufferedAmount() > this.#bufferBytesMax
  }

  /** Room again for a good stretch: half the bound, so that states do not flutter. */
  get drained(): boolean {
    return this.#socket.getBufferedAmount() <= this.#bufferBytesMax / 2
  }

  /** Sends what matches of a batch to a live subscriber, until it proves too slow. */
  offer(messages: readonly FeedMessage[]): void {
    this.#socket.cork(() => {
      for (const message of messages) {
        if (this.state.kind === 'catching-up') return
        if (!matches(this.#wish.filter, message.body)) continue
        // Alerts and revisions are few and never left out.
        if (this.state.kind === 'conflating' && message.body !== null) this.state.skipped[message.body.decision]++
        else {
          this.#send(message)
          if (this.state.kind === 'live' && this.congested) this.#fallBehind(message)
        }
      }
    })
  }

  /** One message of a catch-up. False once the socket is full. */
  replay(message: FeedMessage): boolean {
    if (matches(this.#wish.filter, message.body)) this.#send(message)
    return !this.congested
  }

  corked(work: () => void): void {
    this.#socket.cork(work)
  }

  /** Everything up to `state` has been sent: from here on the tail serves this subscriber. */
  goLive(state: FeedState): void {
    this.state = { kind: 'live' }
    this.#counters.feed.caughtUp++
    this.mark(state)
  }

  /** Tells how far the feed is, though nothing matched: the cursor moves on, and the client knows that the line stands. */
  mark(state: FeedState): void {
    if (this.state.kind === 'live') this.#socket.send(conflatedMessage(encodeCursor(state), noneSkipped()))
  }

  /** Ends a conflation with its counts; `state` is what the tail has reached. */
  resume(state: FeedState): void {
    if (this.state.kind !== 'conflating') return
    const { skipped } = this.state
    this.#counters.feed.conflated += skipped.approve + skipped.refer + skipped.decline
    this.state = { kind: 'live' }
    this.#socket.send(conflatedMessage(encodeCursor(state), skipped))
  }

  expire(): void {
    this.#counters.feed.expired++
    this.end(CURSOR_EXPIRED, 'cursor-expired: older than what is held; connect with after=earliest')
  }

  end(code: number, reason: string): void {
    if (this.open) this.#socket.end(code, reason)
  }

  #send(message: FeedMessage): void {
    this.#socket.send(message.bytes)
    this.#counters.feed.messages++
    this.#counters.feed.bytes += message.bytes.length
  }

  #fallBehind(last: FeedMessage): void {
    this.#counters.feed.slowed++
    if (this.#wish.mode === 'live') {
      this.state = { kind: 'conflating', skipped: noneSkipped() }
      return
    }
    // The state after the last message sent is that message's cursor.
    const at = decodeCursor(last.cursor, last.partitions)
    if (at === undefined) throw new Error('a cursor of our own does not decode')
    this.state = { kind: 'catching-up', at }
  }
}
