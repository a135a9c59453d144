/** An engine in this process, or whatever else takes events as the engine's ingest does. */
import { setTimeout as delay } from 'node:timers/promises'
import { parseEvent } from '#schemas/parse-event.ts'
import type { IncomingEvent, IngestResult } from '../../ports.ts'
import type { Delivery, EventTarget } from './event-target.ts'

const BATCH_EVENTS = 512
const RETRY_MS = 5

const isOverload = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'overloaded'

/** `ingest` appends in order and answers each event; where it is overloaded nothing was appended, and it is asked again. */
export const ingestTarget = (
  ingest: (events: readonly IncomingEvent[]) => Promise<readonly IngestResult[]>,
  close: () => Promise<void>,
): EventTarget => {
  let delivered = 0
  const incoming = (bytes: Buffer): IncomingEvent => {
    const parsed = parseEvent(bytes)
    if (parsed.kind === 'rejected') throw new Error(`an event that was found sound is not: ${parsed.rejection.detail}`)
    return { event: parsed.value, bytes }
  }
  const offer = async (events: readonly IncomingEvent[]): Promise<readonly IngestResult[]> => {
    for (;;) {
      try {
        return await ingest(events)
      } catch (error) {
        if (!isOverload(error)) throw error
        await delay(RETRY_MS)
      }
    }
  }
  return {
    batchEvents: BATCH_EVENTS,
    async deliver(events): Promise<Delivery> {
      // The batch is overwritten by the next one, while the log may still hold these.
      const results = await offer(Array.from({ length: events.count }, (_, index) => incoming(Buffer.from(events.event(index)))))
      delivered += events.count
      return {
        accepted: results.filter(({ status }) => status === 'accepted').length,
        duplicates: results.filter(({ status }) => status === 'duplicate').length,
        refused: results.flatMap((result, index) =>
          'rejection' in result ? [{ index, code: result.rejection.code, detail: result.rejection.detail }] : [],
        ),
      }
    },
    position: () => delivered,
    complete: async () => {},
    close,
  }
}
