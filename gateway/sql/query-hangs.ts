/** Tells callers of a query that does not end: whoever waits for a call that never returns would never hear anything. */
import { SqlError } from './sql-error.ts'

export class QueryHangs extends SqlError {
  constructor(waitedMs: number) {
    super(
      'TIMEOUT_EXCEEDED',
      `the engine has not ended this query for ${Math.round(waitedMs / 1_000)} s; if the call does not return, the warehouse is restarted within minutes and nothing is lost: ask again then`,
    )
  }
}

/** As `call`, rejecting with {@link QueryHangs} where it has not settled after `waitMsMax`; it goes on all the same. */
export const unlessItHangs = async <Value>(call: Promise<Value>, waitMsMax: number): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueryHangs(waitMsMax)), waitMsMax)
  })
  try {
    return await Promise.race([call, hangs])
  } finally {
    clearTimeout(timer)
  }
}
