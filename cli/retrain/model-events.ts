/** The topic `model-events` as the loop uses it: small, totally ordered, read whole once and then followed. */
import type { ModelEvent } from '#schemas/monitoring-events.ts'
import { decodeModelEvent, encodeModelEvent } from '#schemas/monitoring-wire.ts'
import type { EventLog } from '#streams/ports.ts'

const PAGE_BYTES = 1024 * 1024

export const appendModelEvent = async (log: EventLog, event: ModelEvent): Promise<void> => {
  await log.append('model-events', [{ partition: 0, key: Buffer.from(event.kind), value: encodeModelEvent(event) }])
}

/** Reads from where it stopped; records that are no model events are skipped: another release may have written them. */
export class ModelEventReader {
  readonly #log: EventLog
  #next: number

  constructor(log: EventLog) {
    this.#log = log
    this.#next = log.start('model-events')[0] ?? 0
  }

  /** Everything new, in order. */
  async read(): Promise<ModelEvent[]> {
    const out: ModelEvent[] = []
    while (this.#next < (this.#log.end('model-events')[0] ?? 0))
      for (const record of await this.#log.read('model-events', 0, this.#next, PAGE_BYTES)) {
        this.#next = record.offset + 1
        const parsed = decodeModelEvent(record.value)
        if (parsed.kind === 'accepted') out.push(parsed.value)
      }
    return out
  }
}
