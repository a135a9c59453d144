/** What the demo saw of the decisions: when each was made, by which model, and how long its application had waited. */
import type { Decision } from '#schemas/decision.ts'

export interface SeenDecision {
  /** Milliseconds since the epoch, of the engine's clock. */
  readonly at: number
  readonly partition: number
  /** name@version. */
  readonly modelVersion: string
  /** Milliseconds from the append of the application to its published decision. */
  readonly waitMs: number
}

/** Times without a decision and waits, in milliseconds; 0 where there was nothing to compare. */
export interface Gaps {
  /** Longest time between two decisions, whatever their partitions. */
  readonly anyMs: number
  /** Longest time between two decisions of the same partition; it holds the time in which nobody of that partition applied. */
  readonly partitionMs: number
  readonly partition: number | null
}

export const seenOf = ({ body, envelope }: Decision): SeenDecision => {
  const { queueUs, decodeUs, stateUs, foldUs, scoreUs, explainUs, policyUs, publishUs } = envelope.stages
  const us = queueUs + decodeUs + stateUs + foldUs + scoreUs + explainUs + policyUs + publishUs
  return { at: envelope.decidedAt, partition: body.partition, modelVersion: body.modelVersion, waitMs: us / 1000 }
}

/** Over neighbours in the order of decisions for which `counts` holds: those of the whole engine, and those of each partition. */
export const longestGaps = (seen: readonly SeenDecision[], counts: (before: SeenDecision, after: SeenDecision) => boolean): Gaps => {
  const lastOf = new Map<number, SeenDecision>()
  let before: SeenDecision | undefined
  let longest: Gaps = { anyMs: 0, partitionMs: 0, partition: null }
  for (const after of seen) {
    if (before !== undefined && counts(before, after)) longest = { ...longest, anyMs: Math.max(longest.anyMs, after.at - before.at) }
    const beforeHere = lastOf.get(after.partition)
    if (beforeHere !== undefined && counts(beforeHere, after) && after.at - beforeHere.at > longest.partitionMs)
      longest = { ...longest, partitionMs: after.at - beforeHere.at, partition: after.partition }
    before = after
    lastOf.set(after.partition, after)
  }
  return longest
}

/** From the last decisions of one model to the first ones of its successor. */
export const gapsAtChange = (seen: readonly SeenDecision[], from: string, to: string): Gaps =>
  longestGaps(seen, (before, after) => before.modelVersion === from && after.modelVersion === to)

/** While one and the same model decided, between two times. */
export const gapsBetween = (seen: readonly SeenDecision[], begin: number, end: number): Gaps =>
  longestGaps(seen, (before, after) => before.modelVersion === after.modelVersion && before.at >= begin && after.at <= end)

/** The longest wait of an application that was decided between two times; 0 where none was. */
export const longestWaitMs = (seen: readonly SeenDecision[], begin: number, end: number): number =>
  seen.reduce((longest, { at, waitMs }) => (at >= begin && at <= end ? Math.max(longest, waitMs) : longest), 0)
