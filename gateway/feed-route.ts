/** WebSocket `/v1/feed?after=<cursor>&filter=…&mode=all|live`. Refusals are problem documents, answered before the upgrade. */
import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket, WebSocketBehavior } from 'uWebSockets.js'
import type { EventLog } from '#streams/ports.ts'
import { FEED_PROTOCOL, type Access } from './access.ts'
import { callerHeaders } from './caller-headers.ts'
import { Exchange, type Surroundings } from './exchange.ts'
import { decodeCursor } from './feed-cursor.ts'
import { parseFilter } from './feed-filter.ts'
import { earliest } from './feed-start.ts'
import type { FeedState } from './feed-state.ts'
import type { FeedMode, FeedSubscriber, FeedWish } from './feed-subscriber.ts'
import type { Feed } from './feed.ts'
import { parameterProblem, problem, type Problem } from './problem.ts'

/** A wish whose beginning may still have to be looked up. */
interface Asked extends Pick<FeedWish, 'filter' | 'mode'> {
  /** A state, or how many records ago. */
  readonly after: FeedState | number | undefined
}

interface Listener {
  readonly asked: Asked
  subscriber: FeedSubscriber | undefined
  closed: boolean
}

const RECENT_MAX = 1_000

/** Clients have nothing to say here; pings and closes fit. */
const CLIENT_BYTES_MAX = 1_024

const readAfter = (log: EventLog, text: string): FeedState | number | undefined | Problem => {
  if (text === '' || text === 'latest') return undefined
  if (text === 'earliest') return earliest(log)
  if (/^-[1-9]\d{0,3}$/.test(text)) return Math.min(RECENT_MAX, -Number(text))
  const state = decodeCursor(text, log.partitions('decisions'))
  const starts = log.start('decisions')
  const aheadOf = (topic: 'decisions' | 'revisions', next: Float64Array) => next.some((at, p) => at > (log.end(topic)[p] ?? 0))
  if (
    state === undefined ||
    aheadOf('decisions', state.next) ||
    aheadOf('revisions', state.revisions) ||
    state.alerts > (log.end('alerts')[0] ?? 0)
  )
    return problem(
      'invalid-cursor',
      'after is no cursor of this decisions log: use the cursor of a feed message, earliest, -100 for about the last hundred, or leave it out',
    )
  if (state.next.some((next, p) => next < (starts[p] ?? 0)))
    return problem('cursor-expired', 'decisions after this cursor are no longer held: connect with after=earliest and read the gap in SQL')
  return state
}

const isProblem = (value: object | number | undefined): value is Problem => typeof value === 'object' && 'code' in value

const readWish = (log: EventLog, req: HttpRequest): Asked | Problem => {
  const filter = parseFilter(req.getQuery('filter') ?? '')
  if (isProblem(filter)) return filter
  const mode = req.getQuery('mode') ?? 'all'
  if (mode !== 'all' && mode !== 'live') return parameterProblem('mode', mode, 'all or live', 'all leaves nothing out, live is never late')
  const after = readAfter(log, req.getQuery('after') ?? '')
  if (isProblem(after)) return after
  return { filter, mode: mode satisfies FeedMode, after }
}

export const feedBehavior = (feed: Feed, log: EventLog, access: Access, around: Surroundings): WebSocketBehavior<Listener> => {
  const { limits, counters } = around

  const refusal = (req: HttpRequest): Problem | undefined => {
    if (feed.full) return problem('overloaded', `${limits.subscribersMax} subscribers listen already; try again later`)
    return access.refuse(callerHeaders(req), 'reader')
  }

  const upgrade = (res: HttpResponse, req: HttpRequest, context: us_socket_context_t) => {
    const exchange = new Exchange(res, req, around)
    try {
      const refused = refusal(req)
      const asked = refused ?? readWish(log, req)
      if ('code' in asked) {
        counters.feed.refused++
        return exchange.problem(asked)
      }
      const offered = req.getHeader('sec-websocket-protocol')
      const protocol = offered.split(',').some((name) => name.trim() === FEED_PROTOCOL) ? FEED_PROTOCOL : ''
      const listener: Listener = { asked, subscriber: undefined, closed: false }
      exchange.upgraded()
      res.upgrade(listener, req.getHeader('sec-websocket-key'), protocol, req.getHeader('sec-websocket-extensions'), context)
    } catch (error) {
      exchange.fail(error)
    }
  }

  const subscribeRecent = async (ws: WebSocket<Listener>, count: number): Promise<void> => {
    const listener = ws.getUserData()
    const { filter, mode } = listener.asked
    try {
      const after = await feed.recent(count)
      if (!listener.closed) listener.subscriber = feed.subscribe(ws, { filter, mode, after })
    } catch (error) {
      around.log.error({ error: String(error) }, 'the recent decisions could not be read')
      if (!listener.closed) ws.end(1011, 'the log could not be read; connect without after')
    }
  }

  return {
    maxPayloadLength: CLIENT_BYTES_MAX,
    // Never reached, since nothing is sent to a congested socket; if it were, the line ends rather than lose a message.
    maxBackpressure: 2 * limits.feedBufferBytesMax + (1 << 20),
    closeOnBackpressureLimit: true,
    idleTimeout: limits.feedIdleS,
    sendPingsAutomatically: true,
    upgrade,
    open: (ws) => {
      const listener = ws.getUserData()
      const { after, ...rest } = listener.asked
      if (typeof after !== 'number') listener.subscriber = feed.subscribe(ws, { ...rest, after })
      else void subscribeRecent(ws, after)
    },
    drain: (ws) => {
      const { subscriber } = ws.getUserData()
      if (subscriber !== undefined) feed.drained(subscriber)
    },
    close: (ws) => {
      const listener = ws.getUserData()
      listener.closed = true
      const { subscriber } = listener
      if (subscriber !== undefined) feed.unsubscribe(subscriber)
    },
  }
}
