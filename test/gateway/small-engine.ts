/** A small engine that really ingests, deduplicates, decides and waits, in memory: what the gateway is tested against. */
import { crc32 } from 'node:zlib'
import type { Decision } from '#schemas/decision.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { epochMs, points, probability } from '#schemas/units.ts'
import type { Manifest } from '#registry/manifest.ts'
import type { DecisionWaiter, Engine, IncomingEvent, IngestResult, Position, WhatIf } from '#gateway/ports.ts'
import { startGateway, type Gateway, type GatewayArguments } from '#gateway/server.ts'
import { DEFAULT_LIMITS, type GatewaySettings } from '#gateway/settings.ts'
import { claimRecord, decisionRecord, exampleDecision } from './decision-records.ts'
import { MemoryLog } from './memory-log.ts'

export const PARTITIONS = 3

export class SmallEngine implements Engine {
  readonly log = new MemoryLog(PARTITIONS)
  readonly letters: { bytes: Buffer; rejection: Rejection }[] = []
  readonly decisions = new Map<string, Decision>()
  readonly #seen = new Map<string, { bytes: Buffer; position: Position }>()
  readonly #waiters = new Map<string, (decision: Decision | undefined) => void>()
  waitersMax = 4
  /** Milliseconds until an application is decided; Infinity = never. */
  decideAfterMs = 0
  /** Thrown by the next calls of ingest. */
  ingestError: Error | undefined
  ready = true

  constructor() {
    for (let p = 0; p < PARTITIONS; p++) this.log.put('decisions', p, claimRecord('engine'))
  }

  ingest = (events: readonly IncomingEvent[]): Promise<readonly IngestResult[]> => {
    if (this.ingestError !== undefined) return Promise.reject(this.ingestError)
    return Promise.resolve(events.map((event) => this.#ingestOne(event)))
  }

  #ingestOne({ event, bytes }: IncomingEvent): IngestResult {
    const key = `${event.producer} ${event.eventId}`
    const earlier = this.#seen.get(key)
    if (earlier !== undefined) {
      if (earlier.bytes.equals(bytes)) return { status: 'duplicate', position: earlier.position }
      const rejection: Rejection = { code: 'duplicate-conflict', detail: 'other bytes under this event id', errors: [] }
      this.letters.push({ bytes: Buffer.from(bytes), rejection })
      return { status: 'conflict', position: earlier.position, rejection }
    }
    const partition = crc32(event.applicantId) % PARTITIONS
    const position = { partition, offset: this.log.put('credit-events', partition, bytes) }
    this.#seen.set(key, { bytes: Buffer.from(bytes), position })
    if (event.kind === 'application' && this.decideAfterMs < Infinity)
      setTimeout(() => this.#decide(key, position, event.applicantId), this.decideAfterMs)
    return { status: 'accepted', position }
  }

  #decide(key: string, { partition, offset }: Position, applicant: string): void {
    this.log.put('decisions', partition, decisionRecord(partition, offset, 0, { applicant }))
    const decision = exampleDecision(partition, offset, { applicant })
    this.decisions.set(`${partition}-${offset}`, decision)
    this.#waiters.get(key)?.(decision)
  }

  deadLetter = (bytes: Uint8Array, rejection: Rejection): Promise<void> => {
    this.letters.push({ bytes: Buffer.from(bytes), rejection })
    return Promise.resolve()
  }

  waitForDecision = ({ producer, eventId }: { producer: string; eventId: string }, deadlineMs: number): DecisionWaiter | undefined => {
    if (this.#waiters.size >= this.waitersMax) return undefined
    const key = `${producer} ${eventId}`
    let settle: (decision: Decision | undefined) => void = () => {}
    const decision = new Promise<Decision | undefined>((resolve) => (settle = resolve))
    const done = (value: Decision | undefined) => {
      clearTimeout(timer)
      this.#waiters.delete(key)
      settle(value)
    }
    const timer = setTimeout(() => done(undefined), deadlineMs)
    this.#waiters.set(key, done)
    return { decision, cancel: () => done(undefined) }
  }

  get waiting(): number {
    return this.#waiters.size
  }

  findDecision = (id: string) => Promise.resolve(this.decisions.get(id))

  applicantFeatures = (applicantId: string) =>
    Promise.resolve(
      applicantId === 'unknown'
        ? undefined
        : {
            applicantId,
            featureSetHash: '2'.repeat(64),
            asOf: epochMs(1_700_000_000_000),
            knownUpTo: 'now' as const,
            features: [
              { name: 'applicant.payment.amount.sum.3mo', value: null, unit: 'minor currency units', description: 'Sum of payments' },
            ],
          },
    )

  whatIf = (application: { amount: number }, overlays: ReadonlyMap<string, number>): Promise<WhatIf> => {
    if (overlays.has('no.such.feature')) {
      const errors = [{ pointer: '/overlays/no.such.feature', value: '', expected: 'a feature', remedy: 'see /v1/models' }]
      return Promise.resolve({ kind: 'rejected', rejection: { code: 'schema-violation', detail: 'unknown feature', errors } })
    }
    const { body } = exampleDecision(0, 0)
    return Promise.resolve({
      kind: 'answer',
      answer: { ...body, knownUpTo: 'now', probability: probability(application.amount > 1e6 ? 0.5 : 0.1), score: points(500) },
    })
  }

  models = () => Promise.resolve([{ name: 'demo', version: '1', aliases: ['champion'], bundleHash: '1'.repeat(64), manifest: MANIFEST }])
  metrics = () => '# HELP up Whether it is\n# TYPE up gauge\nup 1\n'
  readiness = () => ({ ready: this.ready, checks: [{ name: 'log', ok: this.ready, detail: 'writable' }] })
}

const MANIFEST = {
  parent: null,
  featureSetHash: '2'.repeat(64),
  features: ['a', 'b'],
  members: [{ name: 'trees', kind: 'trees', file: 'trees.onnx', weight: 1 }],
  cutOffs: { refer: 0.2, decline: 0.4, lossGivenDefault: 0.5, margin: 0.02 },
  metrics: { auc: { value: 0.78, low: 0.77, high: 0.79 } },
  data: { source: 'test', sha256: '0', rows: 1, holdoutRows: 1, badRate: 0.2 },
  training: { seed: 7, library: 'none', parameters: {} },
} as unknown as Manifest

export const SETTINGS: GatewaySettings = {
  host: '127.0.0.1',
  port: 0,
  credentials: [],
  allowedHosts: [],
  allowedOrigins: [],
  limits: DEFAULT_LIMITS,
}

/** What went wrong inside, by message: tests expect it empty unless they break something. */
export const reported: string[] = []

export const serve = (
  engine: SmallEngine,
  changes: Partial<GatewaySettings> = {},
  more: Partial<GatewayArguments> = {},
): Promise<Gateway> =>
  startGateway({
    settings: { ...SETTINGS, ...changes },
    engine,
    log: engine.log,
    report: {
      warn: (_, message) => reported.push(message),
      error: (facts, message) => reported.push(`${message} ${JSON.stringify(facts)}`),
    },
    sqlUrl: 'http://127.0.0.1:8123',
    ...more,
  })

let eventNumber = 0
/** An application as a producer would send it, each with its own event id. */
export const application = (changes: Record<string, unknown> = {}) => ({
  eventId: `event-${++eventNumber}`,
  kind: 'application',
  applicantId: 'client-1',
  eventTime: '2005-10-01T00:00:00Z',
  producer: 'test',
  applicationId: `application-${eventNumber}`,
  product: 'credit-line',
  amount: 100_000,
  currency: 'TWD',
  termMonths: 0,
  purpose: 'line-increase',
  channel: 'online',
  ...changes,
})

export const payment = (changes: Record<string, unknown> = {}) => ({
  eventId: `event-${++eventNumber}`,
  kind: 'payment',
  applicantId: 'client-1',
  eventTime: '2005-09-01T00:00:00Z',
  producer: 'test',
  accountId: 'account-1',
  amount: 5_000,
  currency: 'TWD',
  ...changes,
})

export const post = (
  url: string,
  body: string | Uint8Array,
  contentType = 'application/json',
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers: { 'content-type': contentType, ...headers },
  })
