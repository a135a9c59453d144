/**
 * Which records of a decisions partition count. Pure; consumers, read-back, takeover and the exhaustive model all use these functions.
 *
 * A decision is believed when its epoch is not older than the newest claim before it: what an owner publishes after it was succeeded is
 * ignored by everybody, at once and for ever.
 */

/** Newest claim seen so far, −1 before the first. A fold over the records in order. */
export type NewestClaim = number
export const NO_CLAIM: NewestClaim = -1

export const seeClaim = (newest: NewestClaim, claimOffset: number): NewestClaim => Math.max(newest, claimOffset)

export const isBelieved = (newest: NewestClaim, epoch: number): boolean => epoch >= newest

/** An owner that reads its decision back may commit past it only while no newer claim lies before it. */
export const mayCommitReadBack = (newest: NewestClaim, epoch: number): boolean => newest === epoch

/**
 * What a new owner does at an input position. Owners publish in order of position, so once a later position is believed decided, an
 * undecided earlier one was passed over on purpose (rejected, repeated, poison) and stays so.
 */
export type Duty = 'score' | 'adopt' | 'pass'
export const dutyAt = (position: number, nextBelieved: number | undefined): Duty => {
  if (nextBelieved === undefined || nextBelieved < position) return 'score'
  return nextBelieved === position ? 'adopt' : 'pass'
}
