/** Verdicts for the applications of a batch, and the capsules that prove them, chained per partition. */
import { hash } from 'node:crypto'
import type { DecisionBody, DecisionEnvelope, DegradeStep, LinkedReading, Stages, Verdict } from '#schemas/decision.ts'
import type { FeatureSet } from '#features/feature-set.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { EpochMs, Offset } from '#schemas/units.ts'
import { sealDecision } from '#schemas/wire.ts'
import type { Clock, Decider, LogRecord, PreparedRows } from '../ports.ts'
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

/** Fewer rows are decided sooner one by one. */
const TOGETHER_MIN = 2

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
const whole = (us: number): number => Math.min(0x7fffffff, Math.round(us))

export const scoreBatch = (folded: Folded, ports: ScorePorts): Published[] => {
  if (folded.pending.length === 0) return []
  const { batch } = folded
  const now = ports.clock.now()
  const shared = {
    decodeUs: whole(batch.timing.decodeUs / batch.items.length),
    stateUs: whole(batch.timing.stateUs / batch.items.length),
    foldUs: whole(batch.timing.foldUs / batch.items.length),
    commitUs: whole(ports.lastCommitUs()),
    publishUs: whole(ports.lastPublishUs()),
    prepared: prepare(folded, now, ports),
  }
  return folded.pending.map((pending) => {
    try {
      return scoreOne(pending, folded, now, shared, ports)
    } catch (cause) {
      throw new EventCrash(pending.record, cause)
    }
  })
}

/** What the decisions of a batch have in common. */
interface Shared extends Pick<Stages, 'decodeUs' | 'stateUs' | 'foldUs' | 'commitUs' | 'publishUs'> {
  /** Absent where rows are decided one by one. */
  readonly prepared: PreparedRows | undefined
}

const degradeOf = (record: LogRecord, now: EpochMs, { settings }: ScorePorts): DegradeStep | null =>
  degradeStep(Math.max(0, now - record.appendedAt), settings.latency)

/** Rows are prepared together, save where one gives something up to keep its deadline: then none pays for the others. */
const prepare = ({ pending, vectors }: Folded, now: EpochMs, ports: ScorePorts): PreparedRows | undefined =>
  pending.length < TOGETHER_MIN || pending.some(({ record }) => degradeOf(record, now, ports) !== null)
    ? undefined
    : ports.decider.prepare?.(vectors, pending.length)

const scoreOne = (
  { lane, record, application, at, linked }: Pending,
  { vectors, counts }: Pick<Folded, 'vectors' | 'counts'>,
  now: EpochMs,
  { prepared, ...shared }: Shared,
  ports: ScorePorts,
): Published => {
  const waitedMs = Math.max(0, now - record.appendedAt)
  const started = ports.monotonicUs()
  const verdict = ports.decider.decide(application, vectors, at, degradeOf(record, now, ports), prepared)
  const spent = ports.decider.lastStages ?? { scoreUs: ports.monotonicUs() - started, explainUs: 0, policyUs: 0 }
  if (verdict.degraded !== null) count(counts.degraded, verdict.degraded)
  const body = bodyOf(record, application, vectors.subarray(at, at + ports.featureSet.size), verdict, linked)
  const envelope: DecisionEnvelope = {
    decidedAt: now,
    stages: {
      queueUs: whole(waitedMs * 1000),
      ...shared,
      scoreUs: whole(spent.scoreUs),
      explainUs: whole(spent.explainUs),
      policyUs: whole(spent.policyUs),
    },
    host: ports.host,
    runtime: ports.runtime,
  }
  const { decision, bytes } = sealDecision({ epoch: lane.epoch as Offset, body, previousHash: lane.chainHash, envelope })
  lane.chainHash = decision.capsuleHash
  return { lane, decision, record: { partition: record.partition, key: record.key, value: bytes } }
}
