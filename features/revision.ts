/**
 * What a late event does to decisions already made. A vector *as known then* is folded from the events before the application's
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

/** Up to which moment of the log something is known: of the decision, of now, or through an offset of the partition. */
export type KnownAt = 'then' | 'now' | { readonly through: number }

const lastOffset = (known: KnownAt, decision: DecidedApplication): number =>
  known === 'then' ? decision.offset : known === 'now' ? Infinity : known.through

/**
 * An event is known to a decision if it stood before it; later also if it speaks of the time up to it. An event of a later time that had
 * come earlier stays known: it was. The application itself is not folded, as it is not when it is decided.
 */
const isKnown = ({ event, offset }: KnownEvent, { application, offset: decided }: DecidedApplication, last: number): boolean =>
  offset < decided || (offset > decided && offset <= last && event.eventTime <= application.eventTime)

/** @param events The applicant's events without repeats, in order of offset, since the last erasure before the decision. */
export const vectorAsKnown = (
  set: FeatureSet,
  events: readonly KnownEvent[],
  decision: DecidedApplication,
  known: KnownAt,
): Float32Array => {
  const last = lastOffset(known, decision)
  const state = set.emptyState()
  for (const one of events) if (isKnown(one, decision, last)) set.fold(state, one.event)
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

/** Places in which two vectors differ, in vector order. */
export const changesBetween = (set: FeatureSet, then: Float32Array, now: Float32Array): readonly FeatureChange[] =>
  set.features.flatMap(({ name }, position) =>
    // Object.is: missing is the same as missing; a vector holds no −0.
    Object.is(then[position], now[position]) ? [] : [{ name, position, old: then[position]!, new: now[position]! }],
  )

/**
 * A vector with some places changed: what was scored, as it would have been. Places that an applicant's own events do not explain (facts
 * read elsewhere at the decision) keep what they were.
 */
export const withChanges = (scored: Float32Array, changes: readonly FeatureChange[]): Float32Array => {
  const out = scored.slice()
  for (const change of changes) out[change.position] = change.new
  return out
}
