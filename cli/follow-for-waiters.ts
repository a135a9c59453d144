/** Waiting callers of a process that shares its log: answered from the decisions log, whichever process decided. */
import type { Logger } from 'pino'
import { latest } from '#gateway/feed-start.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { DecisionFollower } from '#streams/follow-decisions.ts'
import { realPauses } from '#streams/pipeline/pauses.ts'
import type { EventLog, LogRecord } from '#streams/ports.ts'
import type { RecentDecisions } from '#streams/recent-decisions.ts'
import type { Waiters } from '#streams/waiters.ts'

/** Begins at the log's end. Returns what ends it. */
export const followForWaiters = async (
  log: EventLog,
  waiters: Waiters,
  recent: RecentDecisions,
  logger: Logger,
): Promise<() => Promise<void>> => {
  const offer = (records: readonly LogRecord[]): void => {
    recent.add(records)
    if (waiters.taken === 0) return
    waiters.offer(
      records.flatMap(({ value }) => {
        const found = decodeDecisionRecord(value)
        return found.kind === 'decision' ? [found.decision] : []
      }),
    )
  }
  const failed = (err: unknown): void =>
    logger.warn({ err }, 'the decisions log could not be read for waiting callers; reading again shortly')
  const follower = new DecisionFollower({ log, pauses: realPauses, failed }, await latest(log), offer)
  return () => follower.close()
}
