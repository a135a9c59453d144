/** The features of a past decision: as scored, as known then, and as known now. Reads only. */
import type { FeatureSet } from '#features/feature-set.ts'
import { changesBetween, type FeatureChange, vectorAsKnown, withChanges } from '#features/revision.ts'
import type { Decision } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { EventLog } from '../ports.ts'
import { setAsideIn } from '../set-aside.ts'
import { type AppendedEvent, type HistoryRules, readHistories } from './applicant-history.ts'

/** No applicant of ours has more; who has is not folded anew in memory. */
const EVENTS_MAX = 1_000_000

export interface AsOf {
  readonly application: ApplicationEvent
  /** Folded anew from what stood before the application: what was scored, save for features read elsewhere. */
  readonly asKnownThen: Float32Array
  /** What was scored, with what has come since about the time before. */
  readonly asKnownNow: Float32Array
  readonly changes: readonly FeatureChange[]
  /** Events that came later and speak of the time before, in order of offset. */
  readonly late: readonly AppendedEvent[]
}

export type AsOfAnswer = { readonly kind: 'known'; readonly asOf: AsOf } | { readonly kind: 'unknown'; readonly detail: string }

export const featuresAsOf = async (
  { body }: Decision,
  set: FeatureSet,
  { log, rules }: { readonly log: EventLog; readonly rules: HistoryRules },
): Promise<AsOfAnswer> => {
  const { partition, offset, applicantId } = body
  const found = await readHistories({
    log,
    partition,
    applicants: new Set([applicantId]),
    until: log.end('credit-events')[partition] ?? 0,
    rules,
    setAside: await setAsideIn(log, partition),
    pause: () => Promise.resolve(),
    eventsMax: EVENTS_MAX,
  })
  if (found === undefined)
    return {
      kind: 'unknown',
      detail: `the input log of partition ${partition} no longer begins at its first record: restore the older segments`,
    }
  const events = found.events.get(applicantId) ?? []
  const application = events.find((one) => one.offset === offset)?.event
  if (application?.kind !== 'application')
    return { kind: 'unknown', detail: `the application at ${partition}-${offset} is not in the log any more, or its applicant was erased` }
  const decision = { application, offset }
  const asKnownThen = vectorAsKnown(set, events, decision, 'then')
  const changes = changesBetween(set, asKnownThen, vectorAsKnown(set, events, decision, 'now'))
  return {
    kind: 'known',
    asOf: {
      application,
      asKnownThen,
      asKnownNow: withChanges(body.vector, changes),
      changes,
      late: events.filter((one) => one.offset > offset && one.event.eventTime <= application.eventTime && one.event.kind !== 'outcome'),
    },
  }
}
