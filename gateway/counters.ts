/** What the gateway counts. Plain numbers, monotone but for the two gauges. */
import type { ProblemCode } from './problem.ts'

export class GatewayCounters {
  /** Answers by class: index 2 = 2xx … 5 = 5xx. */
  readonly answers: number[] = [0, 0, 0, 0, 0, 0]
  readonly problems: Partial<Record<ProblemCode, number>> = {}
  /** Clients that went away before their answer. */
  aborted = 0
  /** Events by result of ingestion, alone or as lines. */
  readonly events = { accepted: 0, duplicate: 0, conflict: 0, rejected: 0 }
  readonly feed = { messages: 0, bytes: 0, conflated: 0, caughtUp: 0, slowed: 0, expired: 0, refused: 0 }
  /** Gauge: request body bytes in memory. */
  bodyBytesHeld = 0
  /** Gauge: requests not answered yet. */
  inFlight = 0
  /** Gauge. */
  subscribers = 0

  answered(status: number): void {
    const kind = Math.floor(status / 100)
    this.answers[kind] = (this.answers[kind] ?? 0) + 1
  }
}
