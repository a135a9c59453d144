/** What the feed tells besides decisions: alerts and revisions. Few, never left out, and each topic partition a place of its own in the cursor. */
import { decodeAlert, isAlertJudgement } from '#schemas/monitoring-wire.ts'
import { decodeRevision } from '#schemas/revision-wire.ts'
import type { Topic } from '#streams/ports.ts'
import { alertMessage, type FeedMessage, revisionMessage } from './feed-message.ts'
import type { FeedState } from './feed-state.ts'

export interface NoticeLane {
  readonly topic: Topic
  readonly partition: number
  /** Next offset to read. */
  at(state: FeedState): number
  moveTo(state: FeedState, next: number): void
  /** The message, or why there is none; undefined where there is nothing to tell. */
  read(state: FeedState, value: Uint8Array): FeedMessage | string | undefined
}

const ALERTS: NoticeLane = {
  topic: 'alerts',
  partition: 0,
  at: (state) => state.alerts,
  moveTo: (state, next) => void (state.alerts = next),
  read(state, value) {
    // What people make of alerts stands among them; tables and commands show it.
    if (isAlertJudgement(value)) return undefined
    const decoded = decodeAlert(value)
    return decoded.kind === 'accepted' ? alertMessage(state, decoded.value) : decoded.rejection.detail
  },
}

const revisionsOf = (partition: number): NoticeLane => ({
  topic: 'revisions',
  partition,
  at: (state) => state.revisions[partition] ?? 0,
  moveTo: (state, next) => void (state.revisions[partition] = next),
  read(state, value) {
    const decoded = decodeRevision(value)
    return decoded.kind === 'accepted' ? revisionMessage(state, decoded.value) : decoded.rejection.detail
  },
})

export const NOTICE_TOPICS = ['revisions', 'alerts'] as const satisfies readonly Topic[]

export const noticeLanes = (partitions: number): readonly NoticeLane[] => [
  ALERTS,
  ...Array.from({ length: partitions }, (_, partition) => revisionsOf(partition)),
]
