/** A portfolio for warehouse tests: real events of some demo clients, real vectors, and decisions whose scores foretell outcomes as a model's would. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { isHoldout } from '#registry/holdout.ts'
import { FIRST_HASH, type Decision } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { epochMs, offset, points, probability } from '#schemas/units.ts'
import { capsuleHash, encodeBody, encodeClaim, encodeDecision, encodeEvent } from '#schemas/wire.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { openEventLog, topicPartitions, type EmbeddedEventLog } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { partitionOf } from '#streams/murmur2.ts'
import type { AppendRecord } from '#streams/ports.ts'

export const PARTITIONS = 4
const encoder = new TextEncoder()

/** A data directory with an empty log, removed by `remove`. */
export const openTestDirectory = (): { readonly directory: string; readonly log: EmbeddedEventLog; remove(): Promise<void> } => {
  const directory = mkdtempSync(join(tmpdir(), 'scorestream-warehouse-'))
  agreeOnFormat(directory, { partitions: PARTITIONS })
  const log = openEventLog({
    folder: join(directory, 'log'),
    partitions: topicPartitions(PARTITIONS),
    clock: { now: () => epochMs(Date.now()) },
    durability: 'process-kill',
    logger: silentLogger,
  })
  return {
    directory,
    log,
    async remove() {
      await log.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** A number in [0, 1) that depends on the text alone. */
const chance = (text: string): number => crc32(text) / 2 ** 32

const REASONS = [
  { code: 'RECENT-DELINQUENCY', group: 'delinquency', text: 'Payments were made late in recent months' },
  { code: 'HIGH-UTILISATION', group: 'utilisation', text: 'Balances are close to the credit limit' },
  { code: 'LOW-PAYMENTS', group: 'payments', text: 'Payments are small against the balance' },
]

interface Decided {
  readonly application: ApplicationEvent
  readonly vector: Float32Array
  readonly bad: boolean
  readonly at: { readonly partition: number; readonly offset: number }
  readonly previousHash: string
  readonly decidedAt: number
  readonly epoch?: number
}

/** A decision that adds up, with a probability drawn from one distribution for the good and a higher one for the bad. */
export const decide = ({ application, vector, bad, at, previousHash, decidedAt, epoch = 0 }: Decided): Decision => {
  const p = Math.min(0.98, Math.max(0.01, (bad ? 0.28 : 0.1) + 0.35 * (chance(application.applicationId) - 0.3)))
  const margin = Math.log(p / (1 - p))
  const base = -1.5
  const attributions = new Float64Array(vector.length).fill((margin - base) / vector.length)
  const outcome = p < 0.16 ? 'approve' : p < 0.3 ? 'refer' : 'decline'
  const body: Decision['body'] = {
    partition: at.partition,
    offset: offset(at.offset),
    inputHash: crc32(application.eventId).toString(16).padStart(64, '0'),
    eventId: application.eventId,
    applicationId: application.applicationId,
    applicantId: application.applicantId,
    eventTime: application.eventTime,
    product: application.product,
    amount: application.amount,
    currency: application.currency,
    vector,
    decision: outcome,
    probability: probability(p),
    score: points(600 + (20 / Math.LN2) * (-margin - Math.log(50))),
    margin,
    base,
    residual: 0,
    memberMargins: [
      { member: 'trees', margin },
      { member: 'scorecard', margin: margin * 0.9 },
    ],
    attributions,
    reasons:
      outcome === 'approve'
        ? []
        : REASONS.slice(0, 1 + (crc32(application.eventId) % 3)).map((reason, i) => ({
            ...reason,
            contribution: 0.5 / (i + 1),
            rank: i + 1,
          })),
    cutOff: probability(0.16),
    ruleHit: application.amount > 50_000_000 ? 'amount-ceiling' : null,
    degraded: crc32(application.applicationId) % 50 === 0 ? 'explanation-deferred' : null,
    modelVersion: 'credit@test',
    bundleHash: 'b'.repeat(64),
    policyVersion: 'policy@123456789abc',
    featureSetHash: creditFeatureSet.hash,
    inTraining: !isHoldout(application.applicantId),
  }
  const stage = (name: string, scale: number): number => Math.round(scale * (0.5 + chance(name + application.eventId)))
  return {
    epoch: offset(epoch),
    previousHash,
    capsuleHash: capsuleHash(previousHash, encodeBody(body)),
    envelope: {
      decidedAt: epochMs(decidedAt),
      stages: {
        queueUs: stage('q', 300),
        decodeUs: stage('d', 5),
        stateUs: stage('s', 20),
        foldUs: stage('f', 15),
        scoreUs: stage('c', 8),
        explainUs: stage('x', 30),
        policyUs: stage('p', 2),
        commitUs: stage('o', 50),
        publishUs: stage('u', 12),
      },
      host: 'test',
      runtime: 'node test',
    },
    body,
  }
}

export interface Portfolio {
  readonly events: number
  readonly applications: number
  readonly outcomes: number
}

/** Appends the events of the first `clients` demo clients and a decision for each application, as an engine would. */
export const appendPortfolio = async (log: EmbeddedEventLog, clients: number): Promise<Portfolio> => {
  const last = `tw-${String(clients).padStart(5, '0')}`
  const events = [
    ...demoStream(readFileSync(join(import.meta.dirname, '../../../data/taiwan/taiwan-credit-default.csv.gz'))).events(),
  ].filter((event) => event.applicantId <= last)
  const badOf = new Map(events.flatMap((event) => (event.kind === 'outcome' ? [[event.applicationId, event.label === 1] as const] : [])))
  const states = new Map<string, Uint8Array>()
  const hashes = Array.from({ length: PARTITIONS }, () => FIRST_HASH)
  const next = [...log.end('credit-events')]
  // The claim's offset is the owner's epoch.
  const epochs = [...log.end('decisions')]
  const inputs: AppendRecord[] = []
  const outputs: AppendRecord[] = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    key: encoder.encode('claim'),
    value: encodeClaim({ owner: 'test', claimedAt: epochMs(Date.now()) }),
  }))
  let decidedAt = Date.now()
  for (const event of events) {
    const key = encoder.encode(event.applicantId)
    const partition = partitionOf(key, PARTITIONS)
    const at = next[partition] ?? 0
    next[partition] = at + 1
    inputs.push({ partition, key, value: encodeEvent(event) })
    const state = states.get(event.applicantId) ?? creditFeatureSet.emptyState()
    states.set(event.applicantId, state)
    creditFeatureSet.fold(state, event)
    if (event.kind !== 'application') continue
    const vector = new Float32Array(creditFeatureSet.size)
    creditFeatureSet.vector(state, event, vector, 0)
    decidedAt += 1
    const decision = decide({
      application: event,
      vector,
      bad: badOf.get(event.applicationId) ?? false,
      at: { partition, offset: at },
      previousHash: hashes[partition] ?? FIRST_HASH,
      decidedAt,
      epoch: epochs[partition] ?? 0,
    })
    hashes[partition] = decision.capsuleHash
    outputs.push({ partition, key, value: encodeDecision(decision) })
  }
  await appendAll(log, 'credit-events', inputs)
  await appendAll(log, 'decisions', outputs)
  return { events: events.length, applications: badOf.size, outcomes: badOf.size }
}

/** In calls that an engine might make. */
const appendAll = async (log: EmbeddedEventLog, topic: 'credit-events' | 'decisions', records: readonly AppendRecord[]): Promise<void> => {
  for (let from = 0; from < records.length; from += 2_000) await log.append(topic, records.slice(from, from + 2_000))
}
