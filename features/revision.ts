/**
 * What a late event does to decisions already made. A vector *as known then* is folded from the events at or before the application's
 * position in its partition: it is what was scored, and stays so. *As known now* adds what has come since about the time before the
 * application. Where the two differ, the decision is revised: named, not changed.
 */
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { FeatureSet } from './feature-set.ts'

/** One applicant's event at its position in the partition. */
export interface KnownEvent {
  readonly event: CreditEvent
  readonly offset: number
}

/** The application of a decision, at its position. */
export interface DecidedApplication {
  readonly application: ApplicationEvent
  readonly offset: number
}

export interface FeatureChange {
  readonly name: string
  /** Place in the vector. */
  readonly position: number
  /** As known then; NaN = missing. */
  readonly old: number
  /** As known now. */
  readonly new: number
}

export interface Revision {
  readonly offset: number
  readonly applicationId: string
  readonly vectorThen: Float32Array
  readonly vectorNow: Float32Array
  /** In vector order; never empty. */
  readonly changes: readonly FeatureChange[]
}

/**
 * An event is known to a decision then if it stood at or before it; now also if it speaks of the time up to it. An event of a later time that had
 * come earlier stays known: it was.
 */
const isKnown = ({ event, offset }: KnownEvent, decision: DecidedApplication, known: 'then' | 'now'): boolean =>
  offset <= decision.offset || (known === 'now' && event.eventTime <= decision.application.eventTime)

/** @param events The applicant's events without repeats, in order of offset, since the last erasure before the decision. */
export const vectorAsKnown = (
  set: FeatureSet,
  events: readonly KnownEvent[],
  decision: DecidedApplication,
  known: 'then' | 'now',
): Float32Array => {
  const state = set.emptyState()
  for (const one of events) if (isKnown(one, decision, known)) set.fold(state, one.event)
  const vector = new Float32Array(set.size)
  set.vector(state, decision.application, vector, 0)
  return vector
}

/**
 * Which decisions a late event may concern: those that stood before it, whose application is of its time or later, and no more than
 * `horizonMs` later. Newest first, so that a cap keeps the ones that matter most.
 */
export const reopenedBy = (late: KnownEvent, decisions: readonly DecidedApplication[], horizonMs: number): readonly DecidedApplication[] =>
  decisions
    .filter(({ application, offset }) => {
      const age = application.eventTime - late.event.eventTime
      return offset < late.offset && age >= 0 && age <= horizonMs
    })
    .toSorted((a, b) => b.offset - a.offset)

/** The revision of a decision, or `null` where what is known now changes none of its features. */
export const revisionOf = (set: FeatureSet, events: readonly KnownEvent[], decision: DecidedApplication): Revision | null => {
  const then = vectorAsKnown(set, events, decision, 'then')
  const now = vectorAsKnown(set, events, decision, 'now')
  const changes = set.features.flatMap(({ name }, position) =>
    // Object.is: missing is the same as missing; a vector holds no −0.
    Object.is(then[position], now[position]) ? [] : [{ name, position, old: then[position]!, new: now[position]! }],
  )
  if (changes.length === 0) return null
  return { offset: decision.offset, applicationId: decision.application.applicationId, vectorThen: then, vectorNow: now, changes }
}

/** Whether the decision would come out otherwise. `verdictOf` scores and decides with the bundle and policy of the original decision. */
export const wouldFlip = (revision: Revision, verdictOf: (vector: Float32Array) => string): boolean =>
  verdictOf(revision.vectorThen) !== verdictOf(revision.vectorNow)
