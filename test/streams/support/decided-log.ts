/** Writes input, decisions and dead letters by hand into a real embedded log of one partition, as engines of any manner might. */
import { creditFeatureSet } from '#features/credit-v1.ts'
import { FIRST_HASH } from '#schemas/decision.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import { encodeClaim, encodeDecision, encodeEvent } from '#schemas/wire.ts'
import { deadLetterOf } from '#streams/dead-letter.ts'
import type { EventLog, Topic } from '#streams/ports.ts'
import { decide } from './warehouse-fixture.ts'

const APPLICANT = 'tw-00001'
const key = new TextEncoder().encode(APPLICANT)

export const applicationEvent = (id: string, change: Partial<ApplicationEvent> = {}): ApplicationEvent => ({
  kind: 'application',
  eventId: id,
  applicantId: applicantId(APPLICANT),
  eventTime: epochMs(1_700_000_000_000),
  producer: 'test',
  applicationId: `app-${id}`,
  product: 'credit-line',
  amount: moneyMinor(1_000_000),
  currency: 'TWD',
  termMonths: 0,
  purpose: 'test',
  channel: 'online',
  ...change,
})

export const paymentEvent = (id: string): CreditEvent => ({
  kind: 'payment',
  eventId: id,
  applicantId: applicantId(APPLICANT),
  eventTime: epochMs(1_700_000_000_000),
  producer: 'test',
  accountId: 'a1',
  amount: moneyMinor(100),
  currency: 'TWD',
})

const vector = new Float32Array(creditFeatureSet.size).fill(1)

export interface DecisionPlan {
  readonly at: number
  readonly epoch: number
  /** Other contents for other numbers. */
  readonly content?: number
  readonly previousHash?: string
}

export class DecidedLog {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  async input(...events: readonly CreditEvent[]): Promise<void> {
    await this.#append('credit-events', events.map(encodeEvent))
  }

  async claim(): Promise<number> {
    const [offset] = await this.#append('decisions', [encodeClaim({ owner: 'test', claimedAt: epochMs(0) })])
    return offset as number
  }

  /** One append; returns the capsule hashes. */
  async decide(...plans: readonly DecisionPlan[]): Promise<string[]> {
    const decisions = plans.map(({ at, epoch, content = 0, previousHash = FIRST_HASH }) =>
      decide({
        application: applicationEvent(`e${at}`, { amount: moneyMinor(1_000_000 + content) }),
        vector,
        bad: false,
        at: { partition: 0, offset: at },
        previousHash,
        decidedAt: 1_700_000_000_000,
        epoch,
      }),
    )
    await this.#append(
      'decisions',
      decisions.map((decision) => encodeDecision(decision)),
    )
    return decisions.map(({ capsuleHash }) => capsuleHash)
  }

  async deadLetter(at: number): Promise<void> {
    const [record] = await this.#log.read('credit-events', 0, at, 1)
    if (record === undefined) throw new RangeError(`no input record at ${at}`)
    await this.#log.append('dead-letters', [deadLetterOf(record, { code: 'poison', detail: 'planted', errors: [] })])
  }

  #append(topic: Topic, values: readonly Uint8Array[]): Promise<readonly number[]> {
    return this.#log.append(
      topic,
      values.map((value) => ({ partition: 0, key, value })),
    )
  }
}
