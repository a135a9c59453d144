/** The live view's state: messages are gathered as they come and shown at the next frame, several times a second at most; figures more rarely. */
import { FeedConnection, type FeedState } from '../api/feed-connection.ts'
import { session } from '../api/session.svelte.ts'
import type { Decision, FeedAlert, FeedMessage, Outcome } from '../api/types.ts'
import { LiveStatistics, type ScoreBin, type StageLatency, type Throughput } from './live-statistics.ts'

/** Rows kept for scrolling back. */
const ROWS_MAX = 2_000
/** Decisions asked for at the beginning, so that a quiet engine shows something. */
const BACKLOG = 500
/** A lone decision is shown at the next frame; of many, nobody reads more than this. */
const ROWS_MS = 120
/** Alerts shown here at most, the newest; the health view has them all. */
const ALERTS_MAX = 3
/** Alerts told before the warehouse has answered, which takes a moment; beyond that an old state may show until the next change. */
const TOLD_MAX = 1_000
/** Percentiles and distributions are computed at most this often. */
const FIGURES_MS = 500

export interface Figures {
  /** Decisions per second, lately. */
  readonly rate: number
  readonly totals: Readonly<Record<Outcome, number>>
  readonly conflated: number
  readonly size: number
  readonly mix: Readonly<Record<Outcome, number>>
  readonly latencies: readonly StageLatency[]
  readonly scores: readonly ScoreBin[]
  readonly throughput: Throughput
}

export class LiveFeed {
  /** Newest first. */
  rows = $state.raw<readonly Decision[]>([])
  figures = $state.raw<Figures>()
  state = $state.raw<FeedState>({ kind: 'connecting' })
  paused = $state(false)
  /** Decisions that came while the list was paused. */
  held = $state(0)
  /** Decisions were missed: the server no longer held what lies behind the last cursor. */
  gap = $state(false)
  /** Open now, the newest first; a few. */
  alerts = $state.raw<readonly FeedAlert[]>([])

  #statistics = new LiveStatistics()
  #arrived: FeedMessage[] = []
  #kept: readonly Decision[] = []
  /** Ids of the alerts told so far, until {@link standing} has come. */
  #told = new Set<string>()
  #frame = 0
  #wait: ReturnType<typeof setTimeout> | undefined
  #shownAt = 0
  #figuresAt = 0
  readonly #connection: FeedConnection
  #ticker: ReturnType<typeof setInterval> | undefined

  constructor() {
    this.#connection = new FeedConnection(BACKLOG, () => session.token, {
      message: (message) => {
        this.#arrived.push(message)
        this.#showSoon()
      },
      state: (state) => (this.state = state),
      gap: () => (this.gap = true),
    })
  }

  open(): void {
    this.#connection.open()
    // Throughput moves on in a quiet second too; a hidden page gets no frames but must not gather without bound.
    this.#ticker = setInterval(() => this.#show(), 1_000)
  }

  close(): void {
    clearInterval(this.#ticker)
    clearTimeout(this.#wait)
    cancelAnimationFrame(this.#frame)
    this.#connection.close()
  }

  retryNow(): void {
    this.#connection.retryNow()
  }

  pause(paused: boolean): void {
    this.paused = paused
    if (paused) return
    this.held = 0
    this.rows = this.#kept
  }

  #showSoon(): void {
    if (this.#frame !== 0 || this.#wait !== undefined) return
    const rest = this.#shownAt + ROWS_MS - performance.now()
    if (rest <= 0) this.#frame = requestAnimationFrame(() => this.#show())
    else
      this.#wait = setTimeout(() => {
        this.#wait = undefined
        this.#frame = requestAnimationFrame(() => this.#show())
      }, rest)
  }

  #show(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    this.#shownAt = performance.now()
    const arrived = this.#arrived
    this.#arrived = []
    const now = Date.now()
    const fresh: Decision[] = []
    for (const message of arrived)
      switch (message.kind) {
        case 'conflated':
          this.#statistics.skip(message.skipped, now)
          break
        case 'alert':
          this.#tell(message.alert)
          break
        case 'decision':
          this.#statistics.take(message)
          fresh.push(message)
          break
        default:
          message satisfies never
      }
    if (fresh.length > 0) {
      this.#kept = [...fresh.reverse(), ...this.#kept].slice(0, ROWS_MAX)
      if (this.paused) this.held += fresh.length
      else this.rows = this.#kept
    }
    this.#count(now)
  }

  /** Alerts that stood open when the page came; what the feed has told meanwhile is newer. */
  standing(alerts: readonly FeedAlert[]): void {
    const told = this.#told
    this.alerts = [...this.alerts, ...alerts.filter(({ alertId }) => !told.has(alertId))].slice(0, ALERTS_MAX)
    this.#told.clear()
  }

  #tell(alert: FeedAlert): void {
    if (this.#told.size < TOLD_MAX) this.#told.add(alert.alertId)
    const others = this.alerts.filter(({ alertId }) => alertId !== alert.alertId)
    this.alerts = alert.state === 'open' ? [alert, ...others].slice(0, ALERTS_MAX) : others
  }

  #count(now: number): void {
    const at = performance.now()
    if (at - this.#figuresAt < FIGURES_MS) return
    this.#figuresAt = at
    const statistics = this.#statistics
    this.figures = {
      rate: statistics.rate(now),
      totals: { ...statistics.totals },
      conflated: statistics.conflated,
      size: statistics.size,
      mix: statistics.mix(),
      latencies: statistics.latencies(),
      scores: statistics.scores(),
      throughput: statistics.throughput(now),
    }
  }
}
