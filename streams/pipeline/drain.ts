/** Everything that was in the log is folded, read back and committed: a refused commit begins anew with its partition, and is waited for. */
import { RetryableFailure } from '../failure.ts'
import type { EventLog } from '../ports.ts'
import type { Lanes } from './lanes.ts'

/** Each waits for its partition to be claimed anew: seconds in all. */
const ATTEMPTS_MAX = 10

interface Draining {
  readonly running: boolean
  caughtUp(): Promise<void>
}

/** `flush` commits what is folded and resolves though it was refused. Rejects where the engine stopped, or commits were refused again and again. */
export const drain = async (log: EventLog, lanes: Lanes, engine: Draining, flush: () => Promise<void>): Promise<void> => {
  const ends = log.end('credit-events').slice()
  const isStored = (partition: number) => (lanes.of(partition)?.stored ?? -1) >= (ends[partition] as number)
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    await engine.caughtUp()
    await flush()
    if ([...lanes.assigned].every(isStored)) return
    if (!engine.running) break
  }
  throw new RetryableFailure('state-unavailable', 'what was folded is not committed; whoever takes over next folds it again')
}
