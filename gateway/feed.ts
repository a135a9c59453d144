/**
 * The live feed: one reader follows the decisions log, the revisions and the alerts for all subscribers and encodes each message once. Whoever cannot keep up, or comes
 * with an old cursor, is served from the log at its own place until it has caught up. Nothing is dropped without saying so.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { decodeDecisionRecord, peekDecision } from '#schemas/wire.ts'
import type { EventLog, LogRecord } from '#streams/ports.ts'
import type { GatewayCounters } from './counters.ts'
import { decisionMessage, type FeedMessage } from './feed-message.ts'
import { NOTICE_TOPICS, type NoticeLane, noticeLanes } from './feed-notices.ts'
import { recent } from './feed-start.ts'
import { copyState, stepFeed, type FeedState } from './feed-state.ts'
import { FeedSubscriber, type FeedSocket, type FeedWish } from './feed-subscriber.ts'
import type { GatewayLog } from './ports.ts'
import type { GatewayLimits } from './settings.ts'

const TAIL_BYTES = 1 << 20
/** About 60 decisions: a millisecond of decoding between turns of the loop. */
const CATCH_UP_BYTES = 128 << 10
/** How far belief may lag while nobody listens. */
const IDLE_MS = 250
/** Between looks at a tail that has yet to reach a subscriber's cursor. */
const AHEAD_MS = 5
/** Signs of life; also how old the cursor of a subscriber can be to whom nothing matches. */
const HEARTBEAT_MS = 15_000

export interface FeedArguments {
  readonly log: EventLog
  readonly limits: GatewayLimits
  readonly counters: GatewayCounters
  readonly report: GatewayLog
}

export class Feed {
  readonly #from: FeedArguments
  readonly #subscribers = new Set<FeedSubscriber>()
  readonly #notices: readonly NoticeLane[]
  /** What the shared reader has read; every live subscriber has been offered all of it. */
  readonly #tail: FeedState
  readonly #unsubscribes: readonly (() => void)[]
  readonly #heartbeat: NodeJS.Timeout
  #idle: NodeJS.Timeout | undefined
  #pumping: Promise<void> | undefined
  #again = false
  #closed = false

  /** `at`: where belief stands when the gateway starts (see `feed-start.ts`). */
  constructor(from: FeedArguments, at: FeedState) {
    this.#from = from
    this.#tail = copyState(at)
    this.#notices = noticeLanes(at.next.length)
    this.#unsubscribes = (['decisions', ...NOTICE_TOPICS] as const).map((topic) => from.log.onAppend(topic, () => this.#wake()))
    this.#heartbeat = setInterval(() => {
      for (const subscriber of this.#subscribers) if (!subscriber.congested) subscriber.mark(this.#tail)
    }, HEARTBEAT_MS).unref()
    this.#wake()
  }

  get full(): boolean {
    return this.#subscribers.size >= this.#from.limits.subscribersMax
  }

  /** About `count` records ago. */
  async recent(count: number): Promise<FeedState> {
    // While nobody listened the tail may have idled.
    this.#again = true
    this.#startPump()
    await this.#pumping
    return recent(this.#from.log, copyState(this.#tail), count)
  }

  subscribe(socket: FeedSocket, wish: FeedWish): FeedSubscriber {
    const subscriber = new FeedSubscriber(socket, wish, this.#from.limits.feedBufferBytesMax, this.#from.counters)
    this.#subscribers.add(subscriber)
    this.#from.counters.subscribers = this.#subscribers.size
    if (subscriber.state.kind === 'live') subscriber.mark(this.#tail)
    else this.#catchUpSoon(subscriber)
    this.#wake()
    return subscriber
  }

  unsubscribe(subscriber: FeedSubscriber): void {
    subscriber.open = false
    this.#subscribers.delete(subscriber)
    this.#from.counters.subscribers = this.#subscribers.size
  }

  /** The subscriber's socket has room again. */
  drained(subscriber: FeedSubscriber): void {
    if (!subscriber.open || !subscriber.drained) return
    if (subscriber.state.kind === 'conflating') subscriber.resume(this.#tail)
    else if (subscriber.state.kind === 'catching-up') this.#catchUpSoon(subscriber)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
    clearInterval(this.#heartbeat)
    clearTimeout(this.#idle)
    // 1001: going away.
    for (const subscriber of this.#subscribers) subscriber.end(1001, 'the server is stopping; reconnect with the last cursor')
    await this.#pumping
  }

  #wake(): void {
    if (this.#closed) return
    this.#again = true
    if (this.#pumping !== undefined) return
    if (this.#subscribers.size > 0) this.#startPump()
    else this.#idle ??= setTimeout(() => this.#startPump(), IDLE_MS).unref()
  }

  #startPump(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
    this.#pumping ??= this.#pump()
      .catch((error: unknown) =>
        this.#from.report.error({ error: String(error) }, 'the feed cannot read the decisions log; it tries again on the next append'),
      )
      .finally(() => {
        this.#pumping = undefined
        if (this.#again) this.#wake()
      })
  }

  async #pump(): Promise<void> {
    const { log } = this.#from
    while (this.#again && !this.#closed) {
      this.#again = false
      const ends = log.end('decisions')
      for (let p = 0; p < ends.length; p++) {
        while ((this.#tail.next[p] ?? 0) < (ends[p] ?? 0) && !this.#closed) {
          const records = await log.read('decisions', p, this.#tail.next[p] ?? 0, TAIL_BYTES)
          if (records.length === 0) break
          this.#deliver(records)
        }
      }
      for (const lane of this.#notices) await this.#pumpNotices(lane)
    }
  }

  async #pumpNotices(lane: NoticeLane): Promise<void> {
    const { log } = this.#from
    const { topic, partition } = lane
    while (lane.at(this.#tail) < (log.end(topic)[partition] ?? 0) && !this.#closed) {
      const records = await log.read(topic, partition, lane.at(this.#tail), TAIL_BYTES)
      if (records.length === 0) return
      const messages = records.flatMap((record) => this.#readNotice(this.#tail, lane, record) ?? [])
      for (const subscriber of this.#subscribers) if (subscriber.state.kind !== 'catching-up') subscriber.offer(messages)
    }
  }

  #readNotice(state: FeedState, lane: NoticeLane, { partition, offset, value }: LogRecord): FeedMessage | undefined {
    lane.moveTo(state, offset + 1)
    const read = lane.read(state, value)
    if (typeof read !== 'string') return read
    this.#from.report.error({ topic: lane.topic, partition, offset, why: read }, 'a notice does not decode; the feed goes on behind it')
    return undefined
  }

  /** Synchronous, so that the tail's state and what live subscribers got never differ. */
  #deliver(records: readonly LogRecord[]): void {
    const messages: FeedMessage[] = []
    for (const record of records) {
      const message = this.#read(this.#tail, record, this.#subscribers.size > 0)
      if (message !== undefined) messages.push(message)
    }
    if (messages.length > 0)
      for (const subscriber of this.#subscribers) if (subscriber.state.kind !== 'catching-up') subscriber.offer(messages)
    // A subscriber that was current until this batch fell behind by waiting for the log, not for its socket.
    for (const subscriber of this.#subscribers)
      if (subscriber.state.kind === 'catching-up' && subscriber.drained) this.#catchUpSoon(subscriber)
  }

  /** Steps `state` over a record; the message where it is believed, new and wanted. A record that does not decode is passed over loudly. */
  #read(state: FeedState, record: LogRecord, wanted: boolean): FeedMessage | undefined {
    const { partition, offset, value } = record
    const facts = peekDecision(value)
    if (facts.kind === 'unknown') return this.#passOver(partition, offset, 'neither a decision nor a claim')
    if (!stepFeed(state, partition, offset, facts) || !wanted) return undefined
    const decoded = decodeDecisionRecord(value)
    if (decoded.kind === 'decision') return decisionMessage(state, decoded.decision)
    return this.#passOver(partition, offset, decoded.kind === 'rejected' ? decoded.rejection.detail : decoded.kind)
  }

  #passOver(partition: number, offset: number, why: string): undefined {
    this.#from.report.error({ partition, offset, why }, 'a record of the decisions log does not decode; the feed goes on behind it')
  }

  #catchUpSoon(subscriber: FeedSubscriber): void {
    if (subscriber.reading) return
    subscriber.reading = true
    this.#catchUp(subscriber)
      .catch((error: unknown) => {
        this.#from.report.error({ error: String(error) }, 'a subscriber could not be served from the log')
        subscriber.end(1011, 'the log could not be read; reconnect with the last cursor')
      })
      .finally(() => {
        subscriber.reading = false
        // Drained while the last read was ending: nobody else would wake it.
        if (subscriber.open && subscriber.state.kind === 'catching-up' && subscriber.drained && !this.#closed) this.#catchUpSoon(subscriber)
      })
  }

  async #catchUp(subscriber: FeedSubscriber): Promise<void> {
    let partition = -1
    while (subscriber.open && !this.#closed && subscriber.state.kind === 'catching-up' && !subscriber.congested) {
      const { at } = subscriber.state
      const behind = this.#notices.find((lane) => lane.at(at) < lane.at(this.#tail))
      if (behind !== undefined) {
        await this.#catchUpNotices(subscriber, at, behind)
        continue
      }
      partition = this.#behind(at, partition)
      if (partition < 0 && this.#ahead(at)) {
        this.#wake()
        await sleep(AHEAD_MS)
        continue
      }
      if (partition < 0) return subscriber.goLive(this.#tail)
      const from = at.next[partition] ?? 0
      if (from < (this.#from.log.start('decisions')[partition] ?? 0)) return subscriber.expire()
      const records = await this.#from.log.read('decisions', partition, from, CATCH_UP_BYTES)
      if (!subscriber.open) return
      subscriber.corked(() => this.#replay(subscriber, at, partition, records))
      await nextTurn()
    }
  }

  /** What retention removed is told by SQL alone: what it was about has passed. */
  async #catchUpNotices(subscriber: FeedSubscriber, at: FeedState, lane: NoticeLane): Promise<void> {
    const { log } = this.#from
    const { topic, partition } = lane
    const from = Math.max(lane.at(at), log.start(topic)[partition] ?? 0)
    const end = lane.at(this.#tail)
    const records = from < end ? await log.read(topic, partition, from, CATCH_UP_BYTES) : []
    if (!subscriber.open) return
    subscriber.corked(() => {
      for (const record of records) {
        if (record.offset >= end) return
        const message = this.#readNotice(at, lane, record)
        if (message !== undefined && !subscriber.replay(message)) return
      }
    })
    if (records.length === 0) lane.moveTo(at, end)
  }

  /** The next partition after `last`, round robin, in which `at` is behind the tail; −1 where there is none. */
  #behind(at: FeedState, last: number): number {
    const count = this.#tail.next.length
    for (let i = 1; i <= count; i++) {
      const p = (last + i) % count
      if ((at.next[p] ?? 0) < (this.#tail.next[p] ?? 0)) return p
    }
    return -1
  }

  /** Whether `at` has seen records that the tail has not read yet: a cursor of a moment ago, while the tail was idle. */
  #ahead(at: FeedState): boolean {
    return this.#notices.some((lane) => lane.at(at) > lane.at(this.#tail)) || at.next.some((next, p) => next > (this.#tail.next[p] ?? 0))
  }

  #replay(subscriber: FeedSubscriber, at: FeedState, partition: number, records: readonly LogRecord[]): void {
    const end = this.#tail.next[partition] ?? 0
    for (const record of records) {
      if (record.offset >= end) break
      const message = this.#read(at, record, true)
      if (message !== undefined && !subscriber.replay(message)) return
    }
    // Offsets may have holes (control records of a broker): nothing below the tail is left where the last read reached it.
    const last = records.at(-1)
    if (last === undefined || last.offset >= end) at.next[partition] = end
  }
}
