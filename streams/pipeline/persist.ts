/** Patience with the outside: a retryable failure took no effect, so the same call is made again until it succeeds or fails for good. */
import { RetryableFailure } from '../failure.ts'

export type Persist = <Result>(run: () => Promise<Result>) => Promise<Result>

/**
 * `goOn` hears of each failure before the wait and says whether to try again. The engine goes on until it is stopped: meanwhile nothing
 * more is fetched, and what was not persisted is done again after the next start.
 */
export const persistently =
  (retryAfterMs: number, goOn: (failure: RetryableFailure) => boolean): Persist =>
  async (run) => {
    for (;;) {
      try {
        return await run()
      } catch (failure) {
        if (!(failure instanceof RetryableFailure) || !goOn(failure)) throw failure
        await new Promise((resolve) => setTimeout(resolve, retryAfterMs))
      }
    }
  }
