/**
 * How far a reader of the decisions log, the revisions and the alerts has come, and what it believes: a pure step over records. The whole state is the cursor, so that
 * a reader that comes back needs no history to go on without gap or repeat.
 */
import type { DecisionFacts } from '#schemas/wire.ts'

export interface FeedState {
  /** Next offset to read in the decisions log, per partition. */
  readonly next: Float64Array
  /** Offset of the newest claim read, −1 before any: decisions of an older epoch are not believed. */
  readonly epoch: Float64Array
  /** Highest input offset decided so far, −1 before any: at or below it a record is a byte-identical repeat. */
  readonly decided: Float64Array
  /** Next offset to read of the revisions, per partition. */
  readonly revisions: Float64Array
  /** Next offset to read of the alerts, which have one partition. */
  alerts: number
}

export const feedState = (next: ArrayLike<number>, alerts = 0, revisions?: ArrayLike<number>): FeedState => ({
  next: Float64Array.from(next),
  revisions: Float64Array.from(revisions ?? new Float64Array(next.length)),
  epoch: new Float64Array(next.length).fill(-1),
  decided: new Float64Array(next.length).fill(-1),
  alerts,
})

export const copyState = (state: FeedState): FeedState => ({
  next: state.next.slice(),
  revisions: state.revisions.slice(),
  epoch: state.epoch.slice(),
  decided: state.decided.slice(),
  alerts: state.alerts,
})

/** Moves `state` past the record, in place. True where it is a decision that is believed and new. A foreign record changes nothing else. */
export const stepFeed = (state: FeedState, partition: number, offset: number, facts: DecisionFacts): boolean => {
  state.next[partition] = offset + 1
  if (facts.kind === 'unknown') return false
  if (facts.kind === 'claim') {
    state.epoch[partition] = offset
    return false
  }
  if (facts.epoch < (state.epoch[partition] ?? -1)) return false
  if (facts.offset <= (state.decided[partition] ?? -1)) return false
  state.decided[partition] = facts.offset
  return true
}
