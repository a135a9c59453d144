/** Sorted runs to their target, batch by batch; what an earlier, interrupted import delivered is passed over. */
import type { ImportState } from './import-state.ts'
import type { Literals } from './mapping/literals.ts'
import { RunMerge } from './order/merge-runs.ts'
import type { Reject } from './reject-log.ts'
import { EventBatch, type EventTarget } from './target/event-target.ts'

/** Deliveries between two states: what is sent again after an interruption, at most. */
const BATCHES_A_STATE = 8

interface Deliver {
  readonly target: EventTarget
  readonly runs: readonly string[]
  readonly literals: Literals
  /** Counted up. */
  readonly state: ImportState
  readonly onReject: (reject: Reject) => void
  /** Writes the state down. */
  readonly keep: () => void
  readonly onProgress: () => void
}

interface Identified {
  readonly eventId?: string
  readonly kind?: string
}

export const deliverEvents = async ({ target, runs, literals, state, onReject, keep, onProgress }: Deliver): Promise<void> => {
  const batch = new EventBatch()
  let batches = 0
  const send = async (): Promise<void> => {
    const { accepted, duplicates, refused } = await target.deliver(batch)
    state.accepted += accepted
    state.duplicates += duplicates
    state.refused += refused.length
    for (const { index, code, detail } of refused) {
      const { eventId = '', kind = null } = JSON.parse(batch.event(index).toString('utf8')) as Identified
      onReject({ step: 'target', eventId, rejection: { kind, code, detail, errors: [] } })
    }
    state.delivered += batch.count
    state.targetPosition = target.position()
    batch.clear()
    if (++batches % BATCHES_A_STATE === 0) keep()
    onProgress()
  }
  let skip = state.delivered
  const merge = new RunMerge(runs)
  try {
    for (let one = merge.next(); one !== undefined; one = merge.next()) {
      if (skip > 0) {
        skip--
        continue
      }
      batch.add(one.bytes, one.from, one.to, literals)
      if (batch.count === target.batchEvents) await send()
    }
    if (batch.count > 0) await send()
  } finally {
    merge.close()
  }
  // Written first, so that whoever goes on after an interruption knows that nothing is left to deliver.
  keep()
  await target.complete()
}
