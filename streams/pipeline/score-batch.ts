/** Verdicts for the applications of a batch, and the capsules that prove them, chained per partition. */
import { hash } from 'node:crypto'
import type { Decision, DecisionBody, DecisionEnvelope, LinkedReading, Stages, Verdict } from '#schemas/decision.ts'
import type { FeatureSet } from '#features/feature-set.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { EpochMs, Offset } from '#schemas/units.ts'
import { capsuleHash, encodeBody, encodeDecision } from '#schemas/wire.ts'
import type { Clock, Decider, LogRecord } from '../ports.ts'
import { EventCrash, type Pending, type Published } from './batch.ts'
import { count } from './counters.ts'
import { degradeStep } from './degrade.ts'
import type { Folded } from './fold-batch.ts'
import type { PipelineSettings } from './settings.ts'

export interface ScorePorts {
  readonly featureSet: FeatureSet
  readonly decider: Decider
  readonly settings: PipelineSettings
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly host: string
  readonly runtime: string
  /** What publishing and committing took last time: a record cannot hold what comes after it. */
  readonly lastPublishUs: () => number
  readonly lastCommitUs: () => number
}

/** Everything but the envelope is a function of (record, application, vector, verdict, readings): replay builds bodies with it too. */
export const bodyOf = (
  record: LogRecord,
  application: ApplicationEvent,
  vector: Float32Array,
  verdict: Verdict,
  linked?: readonly LinkedReading[],
): DecisionBody => ({
  ...verdict,
  partition: record.partition,
  offset: record.offset as Offset,
  inputHash: hash('sha256', record.value, 'hex'),
  eventId: application.eventId,
  applicationId: application.applicationId,
  applicantId: application.applicantId,
  eventTime: application.eventTime,
  product: application.product,
  amount: application.amount,
  currency: application.currency,
  vector,
  ...(linked === undefined ? {} : { linked }),
})

/** Stages are 32-bit integers in the log: half an hour and more reads as 2,147 s. */
const wholeMicroseconds = (stages: Stages): Stages => {
  const out: { -readonly [Name in keyof Stages]: number } = { ...stages }
  for (const name of Object.keys(out) as (keyof Stages)[]) out[name] = Math.min(0x7fffffff, Math.round(out[name]))
  return out
}

export const scoreBatch = (folded: Folded, ports: ScorePorts): Published[] => {
  if (folded.pending.length === 0) return []
  const { batch } = folded
  const now = ports.clock.now()
  const shared = {
    decodeUs: batch.timing.decodeUs / batch.items.length,
    stateUs: batch.timing.stateUs / batch.items.length,
    foldUs: batch.timing.foldUs / batch.items.length,
    commitUs: ports.lastCommitUs(),
    publishUs: ports.lastPublishUs(),
  }
  return folded.pending.map((pending) => {
    try {
      return scoreOne(pending, folded, now, shared, ports)
    } catch (cause) {
      throw new EventCrash(pending.record, cause)
    }
  })
}

const scoreOne = (
  { lane, record, application, at, linked }: Pending,
  { vectors, counts }: Pick<Folded, 'vectors' | 'counts'>,
  now: EpochMs,
  shared: Pick<Stages, 'decodeUs' | 'stateUs' | 'foldUs' | 'commitUs' | 'publishUs'>,
  ports: ScorePorts,
): Published => {
  const waitedMs = Math.max(0, now - record.appendedAt)
  const started = ports.monotonicUs()
  const verdict = ports.decider.decide(application, vectors, at, degradeStep(waitedMs, ports.settings.latency))
  const spent = ports.decider.lastStages ?? { scoreUs: ports.monotonicUs() - started, explainUs: 0, policyUs: 0 }
  if (verdict.degraded !== null) count(counts.degraded, verdict.degraded)
  const body = bodyOf(record, application, vectors.slice(at, at + ports.featureSet.size), verdict, linked)
  const envelope: DecisionEnvelope = {
    decidedAt: now,
    stages: wholeMicroseconds({
      queueUs: waitedMs * 1000,
      ...shared,
      scoreUs: spent.scoreUs,
      explainUs: spent.explainUs,
      policyUs: spent.policyUs,
    }),
    host: ports.host,
    runtime: ports.runtime,
  }
  const bytes = encodeBody(body)
  const decision: Decision = {
    epoch: lane.epoch as Offset,
    body,
    previousHash: lane.chainHash,
    capsuleHash: capsuleHash(lane.chainHash, bytes),
    envelope,
  }
  lane.chainHash = decision.capsuleHash
  return { lane, decision, record: { partition: record.partition, key: record.key, value: encodeDecision(decision, bytes) } }
}
