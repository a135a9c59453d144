/**
 * Patience with the outside: after a retryable failure the same call is made again until it succeeds or fails for good. Should the first
 * have taken effect unheard, nothing is harmed: a claim or a record appended twice is a repeat, a commit made twice is refused.
 */
import { RetryableFailure } from '../failure.ts'
import type { Pauses } from './pauses.ts'

export type Persist = <Result>(run: () => Promise<Result>) => Promise<Result>

/**
 * `goOn` hears of each failure before the wait and says whether to try again. The engine goes on until it is stopped: meanwhile nothing
 * more is fetched, and what was not persisted is done again after the next start.
 */
export const persistently =
  (pauses: Pauses, retryAfterMs: number, goOn: (failure: RetryableFailure) => boolean): Persist =>
  async (run) => {
    for (;;) {
      try {
        return await run()
      } catch (failure) {
        if (!(failure instanceof RetryableFailure) || !goOn(failure)) throw failure
        await pauses.wait(retryAfterMs)
      }
    }
  }
