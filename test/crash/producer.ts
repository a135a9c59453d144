/**
 * A producer that trusts nobody: it keeps its own ledger of what was acknowledged, sends again what was not, and after each death of the
 * engine also the last request of each lane that was, as one does whose own notes of it were lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'

export interface Load {
  /** Lines of one request. */
  readonly lines: number
  /** Requests under way at once; events of one applicant always go the same way, so that their order holds. */
  readonly lanes: number
}

/** How long a lane waits before it looks for an engine again. */
const AGAIN_MS = 3

export interface LedgerEntry {
  readonly partition: number
  readonly offset: number
}

interface Receipt {
  readonly eventId?: string
  readonly status: string
  readonly position: LedgerEntry | null
  readonly problem?: unknown
}

export class Producer {
  /** Event id → position the engine acknowledged. */
  readonly ledger = new Map<string, LedgerEntry>()
  /** Acknowledged again at another position than before, or refused: each a broken promise. */
  readonly complaints: string[] = []
  /** Whole requests that were refused, as status and code; they are sent again. */
  readonly refusals = new Set<string>()
  /** Acknowledgements of events that had been sent before without an answer. */
  duplicates = 0
  readonly #lanes: CreditEvent[][]
  readonly #lines: number
  #http: string | undefined
  /** Engines it was pointed at so far. */
  #engines = 0
  #stopped = false

  constructor(events: readonly CreditEvent[], { lines, lanes }: Load) {
    this.#lines = lines
    this.#lanes = Array.from({ length: lanes }, () => [])
    for (const event of events) this.#lanes[Number(event.applicantId.slice(3)) % lanes]?.push(event)
  }

  /** Where the engine listens now; undefined while it is down. */
  pointAt(http: string | undefined): void {
    this.#http = http
    if (http !== undefined) this.#engines += 1
  }

  /** Gives up what is not sent yet. */
  stop(): void {
    this.#stopped = true
  }

  /** Sends everything, through as many restarts as there are, without pause while there is an engine. */
  async run(): Promise<void> {
    await Promise.all(
      this.#lanes.map(async (lane) => {
        let known = this.#engines
        for (let at = 0; at < lane.length && !this.#stopped;) {
          if (known !== this.#engines) {
            known = this.#engines
            at = Math.max(0, at - this.#lines)
          }
          if (await this.#send(lane.slice(at, at + this.#lines))) at += this.#lines
          else await sleep(AGAIN_MS)
        }
      }),
    )
  }

  /** True once every event of the request is acknowledged. */
  async #send(events: readonly CreditEvent[]): Promise<boolean> {
    const http = this.#http
    if (http === undefined) return false
    let text: string
    try {
      const response = await fetch(`${http}/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: events.map((event) => JSON.stringify(eventToJson(event))).join('\n'),
      })
      text = await response.text()
      if (response.headers.get('content-type') === 'application/problem+json') {
        this.refusals.add(`${response.status} ${(JSON.parse(text) as { code: string }).code}`)
        return false
      }
    } catch {
      return false // killed on the way: nothing is known, so everything is sent again
    }
    const receipts = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Receipt)
    let all = receipts.length === events.length
    receipts.forEach((receipt, index) => {
      const event = events[index]
      if (event !== undefined) all = this.#note(event.eventId, receipt) && all
    })
    return all
  }

  #note(eventId: string, { status, position, problem }: Receipt): boolean {
    if (status === 'overloaded') return false
    if ((status !== 'accepted' && status !== 'duplicate') || position === null) {
      this.complaints.push(`${eventId}: ${status} ${JSON.stringify(problem)}`)
      return true
    }
    const before = this.ledger.get(eventId)
    if (status === 'duplicate') this.duplicates += 1
    if (before !== undefined && (before.partition !== position.partition || before.offset !== position.offset))
      this.complaints.push(
        `${eventId}: acknowledged at ${before.partition}-${before.offset} and at ${position.partition}-${position.offset}`,
      )
    this.ledger.set(eventId, position)
    return true
  }
}
