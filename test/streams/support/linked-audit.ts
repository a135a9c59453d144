/** Judges what decisions read off linked entities. */
import { expect } from 'vitest'
import type { ApplicationEvent } from '#schemas/events.ts'
import { decodeEvent } from '#schemas/wire.ts'
import type { EventLog } from '#streams/ports.ts'
import { decisionsIn } from './embedded.ts'
import { linkedNumbers, naiveReading, recordsOf, updatesIn } from './linked-world.ts'

/** Every decision against a naive count over the topic. Returns how many read something of others. */
export const auditDecisions = async (log: EventLog): Promise<number> => {
  const updates = await updatesIn(log)
  const asked = new Map<string, ApplicationEvent>()
  for (const { partition, offset, value } of await recordsOf(log, 'credit-events')) {
    const event = decodeEvent(value)
    if (event.kind === 'accepted' && event.value.kind === 'application') asked.set(`${partition}-${offset}`, event.value)
  }
  let told = 0
  for (const decision of await decisionsIn(log)) {
    const id = `${decision.body.partition}-${decision.body.offset}`
    const numbers = naiveReading(decision, asked.get(id)!, updates)
    expect(linkedNumbers(decision), id).toEqual(numbers)
    const own = updates.some(
      ({ source, key, offset, partition }) =>
        source === id &&
        decision.body.linked!.some((one) => key.startsWith(one.entity) && partition === one.partition && offset < one.version),
    )
    expect(own, `${id} found itself`).toBe(false)
    if (numbers.some((value) => value > 0)) told++
  }
  return told
}
