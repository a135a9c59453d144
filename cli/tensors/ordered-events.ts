/** Events of a data directory as the pipeline folded them, all partitions in one order: by append time. */
import type { CreditEvent } from '#schemas/events.ts'
import { type Entity, newEntity } from '#streams/entity-record.ts'
import { inputOf } from '#streams/input.ts'
import { OrderedRecords } from '#streams/monitoring/ordered-records.ts'
import { admit } from '#streams/pipeline/admission.ts'
import { recognise } from '#streams/pipeline/fold.ts'
import type { PipelineSettings } from '#streams/pipeline/settings.ts'
import type { EventLog } from '#streams/ports.ts'
import { setAsideIn } from '#streams/set-aside.ts'

const RECORDS_MAX = 4096
const NO_STATE = new Uint8Array(0)

/** Up to where the log ends now. Rejected records, strays, what was set aside and repeats are left out. */
export async function* orderedEvents(log: EventLog, { time, dedupe }: PipelineSettings): AsyncGenerator<CreditEvent> {
  const input = inputOf(log)
  const setAside = await Promise.all(Array.from({ length: input.partitions }, (_, partition) => setAsideIn(log, partition)))
  const seen = new Map<string, Entity>()
  // Read as from far in the future: nothing is waited for.
  const records = new OrderedRecords({ log, topics: ['credit-events'], from: {}, at: 0, now: () => Infinity })
  for (;;) {
    const page = await records.next(RECORDS_MAX)
    if (page.length === 0) return
    for (const { record } of page) {
      const found = admit(record, input, time)
      if (found.kind !== 'event' || setAside[record.partition]?.has(record.offset)) continue
      const { event } = found
      let entity = seen.get(event.applicantId)
      if (entity === undefined) seen.set(event.applicantId, (entity = newEntity(NO_STATE)))
      if (recognise(entity, event, record, dedupe).kind === 'new') yield event
    }
  }
}
