/** What the rest of the engine knows of a compiled set of features. */
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { LinkedEntity } from './language/kinds.ts'

/** A kind of linked entity that a vector reads: device, employer or address. */
export interface LinkedPart {
  readonly entity: LinkedEntity
  /** The fold of the applications that name such an entity, whoever's they are. */
  readonly set: FeatureSet
  /** Places of its features in the whole vector, in the order of its own. */
  readonly at: readonly number[]
}

export interface FeatureFacts {
  /** `entity.kind.field.aggregate.window`, e.g. `applicant.payment.amount.sum.3mo`. */
  readonly name: string
  readonly description: string
  readonly unit: string
  /** Bytes of state this feature needs beyond those it shares; 0 where it rides on others' state. */
  readonly stateBytes: number
  readonly kind: string
  readonly aggregate: string
  readonly window: string
}

/**
 * A compiled feature set: a pure fold of one applicant's events into a fixed-size binary state, and a vector read off it.
 * Nothing here reads a clock; time is the event's.
 */
export interface FeatureSet {
  /** SHA-256 hex over names, order, definitions and layout version. */
  readonly hash: string
  readonly features: readonly FeatureFacts[]
  /** Number of features d; the vector's length. */
  readonly size: number
  /** Bytes of one applicant's state; fixed. */
  readonly stateBytes: number
  /** Linked entities whose states the vector reads as well (`linked/read-linked.ts`); absent where it reads none. */
  readonly linked?: readonly LinkedPart[]
  /** State of an applicant nothing is known of. */
  emptyState(): Uint8Array
  /** Folds one event into `state` in place. Applications move state too. Allocates nothing. */
  fold(state: Uint8Array, event: CreditEvent): void
  /**
   * Writes the vector as of `application.eventTime`, the application included, events after it excluded, to
   * `out[at .. at + size)`. Float32, NaN = missing. Features of linked entities are left missing. Allocates nothing.
   */
  vector(state: Uint8Array, application: ApplicationEvent, out: Float32Array, at: number): void
}
