/** Input records that the live pipeline gave up for a reason which need not repeat: whoever folds the log again must leave them out as well. */
import type { RejectionCode } from '#schemas/rejection.ts'
import { decodeDeadLetter } from '#schemas/wire.ts'
import type { EventLog } from './ports.ts'

/** Code that threw then may not throw now, and a registry may have got a schema since. All other reasons lie in the record itself. */
const REASONS: ReadonlySet<string> = new Set<RejectionCode>(['poison', 'unknown-schema'])
const PAGE_BYTES = 1024 * 1024

/** Offsets of such records in a partition of the input. */
export const setAsideIn = async (log: EventLog, partition: number): Promise<ReadonlySet<number>> => {
  const out = new Set<number>()
  const end = log.end('dead-letters')[partition] ?? 0
  for (let next = log.start('dead-letters')[partition] ?? 0; next < end;) {
    const records = await log.read('dead-letters', partition, next, PAGE_BYTES)
    if (records.length === 0) break
    for (const { offset, value } of records) {
      next = offset + 1
      const letter = decodeDeadLetter(value)
      if (letter.kind === 'accepted' && REASONS.has(letter.value.code) && letter.value.offset !== null) out.add(letter.value.offset)
    }
  }
  return out
}
