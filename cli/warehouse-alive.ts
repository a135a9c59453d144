/** The warehouse process's side of `warehouse-watchdog.ts`: tells its parent that it lives, and ends for certain. */
import { endWithin } from './end-without-fail.ts'
import { ALIVE_MS, STOP_MS_MAX } from './warehouse-watchdog.ts'

/** Where the event loop is held this long no parent is left that would have acted: the kernel ends the process. As long as a start may take. */
const HELD_SECONDS_MAX = 600

export interface AliveTeller {
  /** From here on the process ends in time, also where a query never does and no parent is left to kill it: others want the folder. */
  ending(): void
}

/** `tell` is called at once, and again while the event loop goes round. */
export const tellAlive = (tell: () => void): AliveTeller => {
  const once = (): void => {
    endWithin(HELD_SECONDS_MAX)
    tell()
  }
  once()
  const timer = setInterval(once, ALIVE_MS).unref()
  return {
    ending() {
      clearInterval(timer)
      endWithin(STOP_MS_MAX / 1_000)
    },
  }
}
