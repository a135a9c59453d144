/** A producer that trusts nobody: it keeps its own ledger of what was acknowledged, and sends again what was not. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'

/** Lines of one request. */
const LINES = 40
/** Requests under way at once; events of one applicant always go the same way, so that their order holds. */
const LANES = 3

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
  /** Acknowledgements of events that had been sent before without an answer. */
  duplicates = 0
  readonly #lanes: CreditEvent[][]
  #http: string | undefined

  constructor(events: readonly CreditEvent[]) {
    this.#lanes = Array.from({ length: LANES }, () => [])
    for (const event of events) {
      const lane = [...event.applicantId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % LANES
      this.#lanes[lane]?.push(event)
    }
  }

  /** Where the engine listens now; undefined while it is down. */
  pointAt(http: string | undefined): void {
    this.#http = http
  }

  /** Sends everything, through as many restarts as there are. `pauseMs` between requests of a lane. */
  async run(pauseMs: number): Promise<void> {
    await Promise.all(
      this.#lanes.map(async (lane) => {
        for (let at = 0; at < lane.length;) {
          if (await this.#send(lane.slice(at, at + LINES))) at += LINES
          await sleep(pauseMs)
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
