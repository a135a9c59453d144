/**
 * The commit rules of design promise 2 as pure functions. A state store enforces them; the exhaustive model in
 * `test/streams/protocol-model.test.ts` runs these very functions.
 */

/** What of a partition's stored state the rules look at. */
export interface StoredPosition {
  readonly offset: number
  /** −1 before the first claim. */
  readonly epoch: number
}

export type CommitVerdict = 'commit' | 'stale-commit' | 'fenced'

/** A commit takes effect only where the store stands exactly at the batch's start and no newer owner was there. */
export const judgeCommit = (stored: StoredPosition, from: number, epoch: number): CommitVerdict => {
  if (epoch < stored.epoch) return 'fenced'
  return stored.offset === from ? 'commit' : 'stale-commit'
}

/** An owner whose epoch is older than the stored one may not even begin. */
export const judgeClaim = (stored: StoredPosition, epoch: number): 'claim' | 'fenced' => (epoch < stored.epoch ? 'fenced' : 'claim')

/** States may be loaded only where the store stands where this owner left it, or where its commit under way has brought it. */
export const judgeLoad = (stored: StoredPosition, at: StoredPosition): 'load' | 'stale-commit' | 'fenced' => {
  if (at.epoch < stored.epoch) return 'fenced'
  return stored.epoch === at.epoch && stored.offset >= at.offset ? 'load' : 'stale-commit'
}
