/** A seeded stream of applications, decisions, payments and outcomes with three features, and faults and shifts to put into it. */
import { Value } from 'typebox/value'
import type { ModelReference } from '#monitoring/drift/reference.ts'
import type { Findings } from '#monitoring/findings.ts'
import { Monitor, monitorState, type MonitorState } from '#monitoring/monitor.ts'
import { MonitoringSettings } from '#monitoring/settings.ts'
import type { Decision } from '#schemas/decision.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { sampleBody, sampleDecision } from '../schemas/sample-decision.ts'

export const settings = (overrides: object = {}): MonitoringSettings => Value.Default(MonitoringSettings, overrides) as MonitoringSettings

const FEATURES = ['amount', 'utilisation', 'age'] as const
export const MODEL = 'credit@1.0.0'

/** A linear congruential generator (Numerical Recipes): the same numbers everywhere. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
/** Roughly normal: the sum of twelve uniform numbers less six. */
const normal = (random: () => number): number => Array.from({ length: 12 }, random).reduce((sum, one) => sum + one, -6)

const DECILES = [-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816]
const distribution = (feature: string) => ({
  feature,
  edges: DECILES,
  shares: [...Array.from({ length: 10 }, () => 0.1), 0],
  low: -6,
  high: 6,
})
export const REFERENCE: ModelReference = {
  modelVersion: MODEL,
  features: FEATURES.map(distribution),
  score: { ...distribution('score'), edges: DECILES.map((edge) => 540 + 20 * edge), low: 400, high: 700 },
  rows: 20_000,
}

export interface Applicant {
  readonly channel: 'online' | 'mobile'
  readonly producer: 'bank-a' | 'bank-b'
  readonly values: number[]
  score: number
  paid: number
}

/** What happens to applicant number `index` before it is sent. */
export type Disturbance = (applicant: Applicant, index: number) => void
export const undisturbed: Disturbance = () => {}

/** Log time advances 10 ms an applicant. */
export const START = Date.UTC(2026, 0, 1)
const STEP_MS = 10

export class WatchedStream {
  readonly #random: () => number
  readonly monitor: Monitor
  readonly found: Findings[] = []
  index = 0

  constructor(seed: number, chosen: MonitoringSettings = settings(), state: MonitorState = monitorState(1)) {
    this.#random = randomFrom(seed)
    this.monitor = new Monitor(chosen, (version) => (version === MODEL ? REFERENCE : undefined), state)
  }

  send(count: number, disturb: Disturbance = undisturbed): void {
    for (let i = 0; i < count; i++) {
      const random = this.#random
      const applicant: Applicant = {
        channel: random() < 0.3 ? 'mobile' : 'online',
        producer: random() < 0.5 ? 'bank-a' : 'bank-b',
        values: FEATURES.map(() => normal(random)),
        score: 540 + 20 * normal(random),
        paid: Math.round(1_000 * Math.exp(normal(random))) + 1,
      }
      disturb(applicant, this.index)
      this.#observe(applicant, START + this.index * STEP_MS)
      this.index++
    }
    this.found.push(this.monitor.take())
  }

  #observe({ channel, producer, values, score, paid }: Applicant, at: number): void {
    const offset = this.index * 3
    const envelope = { applicantId: `a-${this.index}`, eventTime: at - 1_000, producer, eventId: `e-${offset}` }
    const events = [
      { ...envelope, kind: 'payment', accountId: 'x', amount: paid, currency: 'EUR' },
      {
        ...envelope,
        kind: 'application',
        applicationId: `p-${this.index}`,
        product: 'credit-line',
        amount: 100_000,
        currency: 'EUR',
        termMonths: 12,
        purpose: 'x',
        channel,
      },
      {
        ...envelope,
        kind: 'outcome',
        applicationId: `p-${this.index}`,
        label: 0,
        definition: 'd',
        horizonDays: 30,
        maturedAt: at,
        observed: true,
      },
    ]
    for (const [i, event] of events.entries()) this.monitor.event(event as unknown as CreditEvent, 0, offset + i, at)
    const sample = sampleDecision()
    const body = {
      ...sampleBody(),
      partition: 0,
      offset: offset + 1,
      eventTime: at - 1_000,
      modelVersion: MODEL,
      vector: Float32Array.from(values),
      score,
    }
    this.monitor.decision({ ...sample, body } as unknown as Decision, at)
  }

  get alerts() {
    return this.found.flatMap(({ alerts }) => alerts)
  }
  get requests() {
    return this.found.flatMap(({ requests }) => requests)
  }
}
