/** Tells the world outside how far the states are stored: retention may follow, and operators see the lag. */
import type { EventLog, Ownership, StateCommit } from '../ports.ts'
import type { Lanes } from './lanes.ts'

export interface CommitAudience {
  readonly log: EventLog
  readonly ownership: Ownership
  readonly lanes: Lanes
}

export const announceCommit = (commits: readonly StateCommit[], { log, ownership, lanes }: CommitAudience): void => {
  const all = Array.from({ length: log.partitions('credit-events') }, (_, partition) => lanes.of(partition))
  log.release(
    'credit-events',
    'state',
    all.map((lane) => lane?.committed ?? 0),
  )
  // A successor adopts from here on.
  log.release(
    'decisions',
    'state',
    all.map((lane) => lane?.decisionsOffset ?? 0),
  )
  ownership.mirror(new Map(commits.map(({ partition, to }) => [partition, to])))
}
