/**
 * Decisions a predecessor published, read in step with the refold of the input. Owners publish in order of position, so one page at a
 * time suffices however much there is to adopt.
 */
import type { Decision } from '#schemas/decision.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { TerminalFailure } from '../failure.ts'
import type { EventLog, LogRecord } from '../ports.ts'
import type { Persist } from './persist.ts'
import { isBelieved, NO_CLAIM, seeClaim, type NewestClaim } from '../protocol/belief.ts'

const PAGE_BYTES = 512 * 1024

export interface Believed {
  readonly decision: Decision
  /** Where it lies in the decisions partition. */
  readonly at: number
}

export interface AdoptionPorts {
  readonly log: EventLog
  /** Runs a read, trying again after retryable failures. */
  readonly persist: Persist
}

export class Adoption {
  readonly #ports: AdoptionPorts
  readonly #partition: number
  readonly #end: number
  #next: number
  #newest: NewestClaim = NO_CLAIM
  #queue: Believed[] = []
  #head = 0

  /**
   * Reads from `from`, just after the last believed decision below the committed offset, to `end`, the owner's own claim. That last
   * decision is read too: its epoch is the newest claim there.
   */
  constructor(ports: AdoptionPorts, partition: number, from: number, end: number) {
    this.#ports = ports
    this.#partition = partition
    this.#next = Math.max(0, from - 1)
    this.#end = end
  }

  /** Reads until it knows of a believed decision at `position` or later, or of the end. */
  async readTo(position: number): Promise<void> {
    while (this.#next < this.#end) {
      const last = this.#queue.at(-1)
      if (last !== undefined && last.decision.body.offset >= position) return
      await this.#readPage()
    }
  }

  /** The first believed decision at `position` or later, of those read; forgets earlier ones. */
  at(position: number): Believed | undefined {
    while (this.#head < this.#queue.length && (this.#queue[this.#head] as Believed).decision.body.offset < position) this.#head++
    if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return this.#queue[this.#head]
  }

  get done(): boolean {
    return this.#next >= this.#end && this.#head >= this.#queue.length
  }

  #take(record: LogRecord): void {
    const found = decodeDecisionRecord(record.value)
    switch (found.kind) {
      case 'claim':
        this.#newest = seeClaim(this.#newest, record.offset)
        return
      case 'decision': {
        const { epoch } = found.decision
        if (!isBelieved(this.#newest, epoch)) return
        this.#newest = seeClaim(this.#newest, epoch)
        this.#queue.push({ decision: found.decision, at: record.offset })
        return
      }
      case 'rejected':
        throw new TerminalFailure(
          'log-corrupt',
          `decisions[${this.#partition}] holds at ${record.offset} what is neither a claim nor a decision: ${found.rejection.detail}. Restore the log from a copy.`,
        )
    }
  }

  async #readPage(): Promise<void> {
    const { log, persist } = this.#ports
    const records = await persist(() => log.read('decisions', this.#partition, this.#next, PAGE_BYTES))
    if (records.length === 0)
      throw new TerminalFailure(
        'log-shortened',
        `decisions[${this.#partition}] ends at ${this.#next}, a claim lies at ${this.#end}: records once read are gone. Restore the log from a copy; nothing is reset by itself.`,
      )
    for (const record of records) {
      if (record.offset >= this.#end) break
      this.#take(record)
    }
    this.#next = (records.at(-1) as { offset: number }).offset + 1
  }
}
