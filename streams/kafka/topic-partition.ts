/** What is known of one partition of a topic, and the windows that readers have on it. */
import { TerminalFailure } from '../failure.ts'
import { Window } from './window.ts'

/** Readers of one partition that are apart from each other: the engine, the feed, the warehouse, and one to look things up. More share these. */
const WINDOWS_MAX = 4

export class TopicPartition {
  readonly windows: Window[] = []
  leader = -1
  leaderEpoch = -1
  /** First offset still held. */
  start = 0
  /** Everything below is readable. */
  end = 0
  readonly #topic: string
  readonly #partition: number
  /** From here to `#gapTo` lie only marks of transactions. */
  #gapFrom = 0
  #gapTo = -1

  constructor(topic: string, partition: number) {
    this.#topic = topic
    this.#partition = partition
  }

  /** The end as readers count it: marks of transactions behind the last record are nothing to wait for. */
  readableEnd(): number {
    return this.#gapTo === this.end ? this.#gapFrom : this.end
  }

  /** A reader found nothing from `offset` to the end. */
  noteGap(offset: number): void {
    if (offset >= this.end) return
    this.#gapFrom = this.#gapTo === this.end ? Math.min(this.#gapFrom, offset) : offset
    this.#gapTo = this.end
  }

  refuseOutside(offset: number): void {
    const place = `${this.#topic}[${this.#partition}]`
    if (offset > this.end)
      throw new TerminalFailure(
        'log-shortened',
        `${place} ends at ${this.end}, a reader stands at ${offset}: the log lost records it once had (an unclean leader election, or a topic made anew). Restore the topic; nothing is reset by itself.`,
      )
    if (offset < this.start)
      throw new TerminalFailure(
        'log-shortened',
        `${place} begins at ${this.start}, a reader asks for ${offset}: retention deleted what it needs. Rebuild that reader from a checkpoint at or after ${this.start}, and lengthen retention.ms.`,
      )
  }

  /** The window that holds `offset` and reaches farthest, or a new one in place of the one least in use. */
  windowFor(offset: number): Window {
    let found: Window | undefined
    for (const window of this.windows) if (window.holds(offset) && (found === undefined || window.next > found.next)) found = window
    if (found === undefined) {
      found = new Window(this.#partition, offset)
      // One that a reader waits for stays: readers that took windows from each other would never be served.
      const spare = this.windows.filter(({ waiting }) => waiting === 0)
      if (this.windows.length >= WINDOWS_MAX && spare.length > 0) this.drop(spare.reduce((a, b) => (b.lastRead < a.lastRead ? b : a)))
      this.windows.push(found)
    }
    found.lastRead = performance.now()
    return found
  }

  /** The window to fetch for next: with room for more, and not where another window already goes on. */
  wanted(windowBytes: number, suits: (behind: boolean) => boolean): Window | undefined {
    let best: Window | undefined
    for (const window of this.windows) {
      if (window.inFlight || window.failure !== undefined || window.ahead >= windowBytes || !suits(window.next < this.end)) continue
      if (this.windows.some((other) => other !== window && other.from <= window.next && other.next > window.next)) continue
      if (best === undefined || window.lastRead > best.lastRead) best = window
    }
    return best
  }

  drop(window: Window): void {
    this.windows.splice(this.windows.indexOf(window), 1)
  }

  /** Gives up windows nobody visited since; one that waits at the end stays in use as long as nothing comes. */
  dropIdle(since: number): void {
    const idle = this.windows.filter(
      (window) =>
        !window.inFlight && window.waiting === 0 && window.lastRead <= since && !(window.ahead === 0 && this.windows.length === 1),
    )
    for (const window of idle) this.drop(window)
  }
}
