/** One of two processes killed (`kill -9`) or stopped (SIGTERM) under a steady load: how long the clients of its partitions waited, from the outside. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type OpenLoopJob, withOpenLoop } from './latency.ts'
import type { Member } from './party.ts'

export const EVENTS_PER_S = 500
const GONE_AFTER_S = 8
/** Long enough for a session to expire, its partitions to be taken over, and what waited to be decided. */
const WATCH_S = 17

/**
 * Milliseconds of the longest wait for a decision among events sent just before and after one process went: what was sent to its partitions
 * waits until its successor serves it.
 */
export const measureRecovery = (job: Omit<OpenLoopJob, 'members'>, how: 'kill' | 'end'): Promise<number> =>
  withOpenLoop({ ...job, members: 2 }, async (_, running, drive) => {
    const load = drive({ eventsPerSecond: EVENTS_PER_S, warmSeconds: 2, seconds: GONE_AFTER_S + WATCH_S })
    await sleep((2 + GONE_AFTER_S) * 1000)
    await (running[0] as Member)[how]()
    const { missing, decisions, max } = await load
    if (missing > 0)
      throw new Error(`${job.party.name}: ${missing} of ${missing + decisions} decisions never arrived after one process went`)
    return max
  })
