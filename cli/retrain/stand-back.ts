/** Puts the calling process behind every other in Linux's scheduler. */
import { readdirSync } from 'node:fs'
import koffi from 'koffi'

/** From linux/sched.h: runs where nothing else wants the core, and gives it up at once to whoever wakes. */
const SCHED_IDLE = 5

/**
 * All threads there are now, and those that they start. A low nice value alone is not enough: such a thread may finish its slice, some
 * milliseconds, before an engine that wakes is let in. Elsewhere than on Linux nothing is done; `setPriority` is what there is.
 */
export const standBack = (): void => {
  if (process.platform !== 'linux') return
  const setScheduler = koffi.load(null).func('int sched_setscheduler(int thread, int policy, const int *priority)')
  for (const thread of readdirSync('/proc/self/task')) setScheduler(Number(thread), SCHED_IDLE, [0])
}
