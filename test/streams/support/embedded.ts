/** A whole embedded engine over a temporary folder, with a clock and a decider that tests control. */
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FeatureSet } from '#features/feature-set.ts'
import type { Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent, CreditEvent, PaymentEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor, points, probability } from '#schemas/units.ts'
import { decodeDecisionRecord, encodeEvent } from '#schemas/wire.ts'
import { openEventLog, topicPartitions, type EmbeddedEventLog } from '#streams/embedded/event-log.ts'
import { openStateStore } from '#streams/embedded/state-store.ts'
import { createEngine, type Engine, type EngineParts } from '#streams/engine.ts'
import { silentLogger } from '#streams/logger.ts'
import { partitionOf } from '#streams/murmur2.ts'
import type { Decider, EventLog, StateStore } from '#streams/ports.ts'

export const PARTITIONS = 3
export const T0 = 1_700_000_000_000

/** Counts and sums of payments: small, exact, sensitive to order and repeats. State: count, sum, order-dependent checksum (f64 each). */
export const tinyFeatureSet: FeatureSet = {
  hash: createHash('sha256').update('tiny feature set 1').digest('hex'),
  features: ['count', 'sum', 'checksum'].map((name) => ({
    name: `applicant.payment.${name}`,
    description: name,
    unit: 'payments',
    stateBytes: 8,
    kind: 'payment',
    aggregate: name,
    window: 'all',
  })),
  size: 3,
  stateBytes: 24,
  emptyState: () => new Uint8Array(24),
  fold: (state, event) => {
    const view = new DataView(state.buffer, state.byteOffset)
    view.setFloat64(16, (view.getFloat64(16) * 31 + event.eventTime + event.eventId.length) % 1_000_003)
    if (event.kind !== 'payment') return
    view.setFloat64(0, view.getFloat64(0) + 1)
    view.setFloat64(8, view.getFloat64(8) + event.amount)
  },
  vector: (state, _, out, at) => {
    const view = new DataView(state.buffer, state.byteOffset)
    for (let i = 0; i < 3; i++) out[at + i] = view.getFloat64(8 * i)
  },
}

export const tinyDecider = (salt = 1): Decider => ({
  modelVersion: `tiny@${salt}`,
  featureSetHash: tinyFeatureSet.hash,
  decide: (application, vectors, at, degrade): Verdict => {
    const margin = ((vectors[at] as number) - (vectors[at + 1] as number) / 1000 + (vectors[at + 2] as number) / 1e6) * salt
    return {
      decision: application.amount > 1000 ? 'refer' : 'approve',
      probability: probability(1 / (1 + Math.exp(-Math.max(-30, Math.min(30, margin))))),
      score: points(600),
      margin,
      base: 0,
      residual: 0,
      memberMargins: [{ member: 'tiny', margin }],
      attributions: Float64Array.of(margin, 0, 0),
      reasons: [],
      cutOff: probability(0.5),
      ruleHit: null,
      degraded: degrade,
      modelVersion: `tiny@${salt}`,
      bundleHash: 'b'.repeat(64),
      policyVersion: 'tiny@000000000000',
      featureSetHash: tinyFeatureSet.hash,
      inTraining: false,
    }
  },
})

export const payment = (applicant: string, n: number, more: Partial<PaymentEvent> = {}): PaymentEvent => ({
  kind: 'payment',
  eventId: `pay-${applicant}-${n}`,
  applicantId: applicantId(applicant),
  eventTime: epochMs(T0 + n * 1000),
  producer: 'test',
  accountId: 'a1',
  amount: moneyMinor(100 + n),
  currency: 'EUR',
  ...more,
})

export const application = (applicant: string, n: number, more: Partial<ApplicationEvent> = {}): ApplicationEvent => ({
  kind: 'application',
  eventId: `app-${applicant}-${n}`,
  applicantId: applicantId(applicant),
  eventTime: epochMs(T0 + n * 1000),
  producer: 'test',
  applicationId: `A-${applicant}-${n}`,
  product: 'credit-line',
  amount: moneyMinor(500),
  currency: 'EUR',
  termMonths: 0,
  purpose: 'test',
  channel: 'online',
  ...more,
})

export interface World {
  readonly folder: string
  readonly log: EmbeddedEventLog
  readonly state: StateStore
  readonly engine: Engine
  readonly failures: unknown[]
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'engine-'))

export interface WorldOptions {
  readonly now?: () => number
  readonly parts?: Partial<EngineParts>
  readonly log?: (log: EmbeddedEventLog) => EventLog
  readonly state?: (state: StateStore) => StateStore
}

/** Opens log and state over a folder and creates, but does not start, an engine. */
export const openWorld = (
  folder: string,
  { now = () => T0 + 1_000_000, parts = {}, log: wrapLog = (l) => l, state: wrapState = (s) => s }: WorldOptions = {},
): World => {
  const clock = { now: () => epochMs(now()) }
  const log = openEventLog({
    folder: join(folder, 'log'),
    partitions: topicPartitions(PARTITIONS),
    clock,
    durability: 'process-kill',
    logger: silentLogger,
    segmentBytesMax: 100_000,
  })
  const state = openStateStore({ folder: join(folder, 'state') })
  const failures: unknown[] = []
  const engine = createEngine({
    log: wrapLog(log),
    state: wrapState(state),
    featureSet: tinyFeatureSet,
    decider: tinyDecider(),
    clock,
    monotonicUs: () => performance.now() * 1000,
    logger: silentLogger,
    owner: 'test',
    host: 'test',
    runtime: 'test',
    onStopped: (failure) => failures.push(failure),
    ...parts,
  })
  return { folder, log, state, engine, failures }
}

/** Ends a world as a crash would leave it: nothing is flushed by the engine, log and store are closed as they are. */
export const closeWorld = async ({ engine, log, state }: World): Promise<void> => {
  await engine.stop()
  await log.close()
  await state.close()
}

export const put = (log: EventLog, ...events: CreditEvent[]): Promise<readonly number[]> =>
  log.append(
    'credit-events',
    events.map((event) => ({
      partition: partitionOf(Buffer.from(event.applicantId), PARTITIONS),
      key: Buffer.from(event.applicantId),
      value: encodeEvent(event),
    })),
  )

/** All records of the decisions log, partition by partition, decoded. */
const decisionRecords = async (log: EventLog) => {
  const out = []
  for (let p = 0; p < log.partitions('decisions'); p++)
    for (let next = 0; next < (log.end('decisions')[p] as number);)
      for (const record of await log.read('decisions', p, next, 1_000_000)) {
        out.push({ partition: p, offset: record.offset, record: decodeDecisionRecord(record.value) })
        next = record.offset + 1
      }
  return out
}

export const decisionsIn = async (log: EventLog) =>
  (await decisionRecords(log)).flatMap(({ record }) => (record.kind === 'decision' ? [record.decision] : []))
