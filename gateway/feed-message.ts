/** Feed messages, encoded once for all who listen. */
import { type Decision, type DecisionBody, decisionId, type DecisionOutcome } from '#schemas/decision.ts'
import type { Alert } from '#schemas/monitoring-events.ts'
import { flips, type Revision } from '#schemas/revision.ts'
import { encodeCursor } from './feed-cursor.ts'
import type { FeedState } from './feed-state.ts'
import { publicDecision } from './public-decision.ts'

export interface FeedMessage {
  readonly cursor: string
  readonly partitions: number
  /** Null for an alert or a revision. */
  readonly body: DecisionBody | null
  /** UTF-8 JSON. */
  readonly bytes: Buffer
}

/** Decisions a live subscriber was too slow for. */
export type Skipped = Record<DecisionOutcome, number>

export const noneSkipped = (): Skipped => ({ approve: 0, refer: 0, decline: 0 })

export const decisionMessage = (state: FeedState, decision: Decision): FeedMessage => {
  const cursor = encodeCursor(state)
  const bytes = Buffer.from(`{"cursor":"${cursor}","kind":"decision",${JSON.stringify(publicDecision(decision)).slice(1)}`)
  return { cursor, partitions: state.next.length, body: decision.body, bytes }
}

/** Instants as in every answer of the API: RFC 3339. */
export const alertMessage = (state: FeedState, alert: Alert): FeedMessage => {
  const cursor = encodeCursor(state)
  const instant = (ms: number): string => new Date(ms).toISOString()
  const { raisedAt, windowStart, windowEnd, ...rest } = alert
  const said = { ...rest, raisedAt: instant(raisedAt), windowStart: instant(windowStart), windowEnd: instant(windowEnd) }
  const bytes = Buffer.from(JSON.stringify({ cursor, kind: 'alert', alert: said }))
  return { cursor, partitions: state.next.length, body: null, bytes }
}

export const revisionMessage = (state: FeedState, revision: Revision): FeedMessage => {
  const cursor = encodeCursor(state)
  const { partition, offset, causeOffset, revisedAt, ...rest } = revision
  const said = {
    decisionId: decisionId(partition, offset),
    causePosition: decisionId(partition, causeOffset),
    ...rest,
    revisedAt: new Date(revisedAt).toISOString(),
    flips: flips(revision),
  }
  const bytes = Buffer.from(JSON.stringify({ cursor, kind: 'revision', revision: said }))
  return { cursor, partitions: state.next.length, body: null, bytes }
}

/** Says how many matching decisions up to `cursor` were not sent one by one; zeros make it a sign of life. */
export const conflatedMessage = (cursor: string, skipped: Skipped): string =>
  `{"cursor":"${cursor}","kind":"conflated","skipped":${JSON.stringify(skipped)}}`
