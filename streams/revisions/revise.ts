/** One look at some applicants of a partition: which of their decisions do events that came in since change, and how? */
import type { FeatureSet } from '#features/feature-set.ts'
import { changesBetween, type DecidedApplication, reopenedBy, vectorAsKnown, withChanges } from '#features/revision.ts'
import type { Decision, Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Revision } from '#schemas/revision.ts'
import { epochMs } from '#schemas/units.ts'
import type { AppendedEvent } from './applicant-history.ts'

/** Scores and decides as the bundle and policy of a past decision; undefined where they are no longer at hand. */
export type JudgeOf = (decision: Decision) => Promise<((application: ApplicationEvent, vector: Float32Array) => Verdict) | undefined>

export interface RevisePorts {
  /** The believed decision on an input position of the partition. */
  readonly decisionAt: (offset: number) => Promise<Decision | undefined>
  readonly featureSetOf: (hash: string) => FeatureSet | undefined
  readonly judgeOf: JudgeOf
  /** How much older than a decision's application an event may be and still revise it, ms of event time. */
  readonly horizonMs: number
  /** Decisions that one late event may revise, newest first. */
  readonly fanOutMax: number
  /** Called between late events: others have their turn. */
  readonly pause: () => Promise<unknown>
}

export interface Revised {
  readonly revisions: readonly Revision[]
  /** Decisions that a late event might have changed and that were not looked at, by reason. */
  readonly left: { readonly overFanOut: number; readonly unknownFeatureSet: number }
}

const isApplication = (one: AppendedEvent): one is AppendedEvent & DecidedApplication & { readonly event: ApplicationEvent } =>
  one.event.kind === 'application'

const asNumber = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** The revision of one decision by one late event; undefined where that event changed nothing. */
const reviseOne = async (
  events: readonly AppendedEvent[],
  late: AppendedEvent,
  reopened: DecidedApplication,
  stored: Decision,
  set: FeatureSet,
  judgeOf: JudgeOf,
): Promise<Revision | undefined> => {
  const known = (through: number) => vectorAsKnown(set, events, reopened, { through })
  const now = known(late.offset)
  if (changesBetween(set, known(late.offset - 1), now).length === 0) return undefined
  const changes = changesBetween(set, vectorAsKnown(set, events, reopened, 'then'), now)
  const { body } = stored
  const judge = await judgeOf(stored)
  const verdict = judge?.(reopened.application, withChanges(body.vector, changes))
  return {
    partition: body.partition,
    offset: body.offset,
    causeOffset: late.offset,
    causeEventId: late.event.eventId,
    causeKind: late.event.kind,
    revisedAt: epochMs(late.appendedAt),
    applicationId: body.applicationId,
    applicantId: body.applicantId,
    modelVersion: body.modelVersion,
    policyVersion: body.policyVersion,
    featureSetHash: body.featureSetHash,
    decision: body.decision,
    probability: body.probability,
    revisedDecision: verdict?.decision ?? null,
    revisedProbability: verdict?.probability ?? null,
    changes: changes.map(({ name, position, new: value }) => ({
      feature: name,
      old: asNumber(body.vector[position] ?? Number.NaN),
      new: asNumber(value),
    })),
  }
}

/**
 * Revisions by the events at `suspects` (offsets, ascending) of one applicant, given all of the applicant's events. A function of the log
 * alone: made again after a crash, they are the same.
 */
export const revise = async (events: readonly AppendedEvent[], suspects: readonly number[], ports: RevisePorts): Promise<Revised> => {
  const applications = events.filter(isApplication).map(({ event, offset }) => ({ application: event, offset }))
  const revisions: Revision[] = []
  let [overFanOut, unknownFeatureSet] = [0, 0]
  for (const suspect of suspects) {
    const late = events.find(({ offset }) => offset === suspect)
    // A repeat, a refused or an erased event: it moved no state.
    if (late === undefined) continue
    await ports.pause()
    const reopened = reopenedBy(late, applications, ports.horizonMs)
    overFanOut += Math.max(0, reopened.length - ports.fanOutMax)
    for (const one of reopened.slice(0, ports.fanOutMax)) {
      const stored = await ports.decisionAt(one.offset)
      if (stored === undefined) continue
      const set = ports.featureSetOf(stored.body.featureSetHash)
      if (set === undefined) {
        unknownFeatureSet++
        continue
      }
      const revision = await reviseOne(events, late, one, stored, set, ports.judgeOf)
      if (revision !== undefined) revisions.push(revision)
    }
  }
  return { revisions, left: { overFanOut, unknownFeatureSet } }
}
