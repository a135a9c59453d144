/**
 * The decisions seen last in the log, by applicant, undecoded: a retry that reaches another process than its first attempt did is answered
 * from here while the state that would tell is not committed yet.
 */
import type { Decision } from '#schemas/decision.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import type { LogRecord } from './ports.ts'

/** At 5,000 decisions a second three seconds, many times what a commit takes; about 25 MB at 1.5 KB each. */
const KEPT_MAX = 16_384

export class RecentDecisions {
  readonly #byApplicant = new Map<string, LogRecord[]>()
  readonly #ring: LogRecord[] = []
  /** Of the records in the ring: read off their keys once. */
  readonly #applicants: string[] = []
  #next = 0

  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      const pushedOut = this.#ring[this.#next]
      if (pushedOut !== undefined) this.#forgetOldest(this.#applicants[this.#next] as string)
      const applicant = applicantOf(record)
      this.#ring[this.#next] = record
      this.#applicants[this.#next] = applicant
      this.#next = (this.#next + 1) % KEPT_MAX
      const known = this.#byApplicant.get(applicant)
      if (known === undefined) this.#byApplicant.set(applicant, [record])
      else known.push(record)
    }
  }

  /** The decision on an applicant's event, if it is among those kept. */
  find(applicantId: string, eventId: string): Decision | undefined {
    for (const record of this.#byApplicant.get(applicantId) ?? []) {
      const found = decodeDecisionRecord(record.value)
      if (found.kind === 'decision' && found.decision.body.eventId === eventId) return found.decision
    }
    return undefined
  }

  /** What leaves the ring is the oldest of all, and so the first of its applicant's. */
  #forgetOldest(applicant: string): void {
    const known = this.#byApplicant.get(applicant) as LogRecord[]
    if (known.length === 1) this.#byApplicant.delete(applicant)
    else known.shift()
  }
}

/** A decision's key is its applicant; identifiers are ASCII. */
const applicantOf = ({ key }: LogRecord): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
