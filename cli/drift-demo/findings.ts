/** Alerts and model events as they come, read beside the engine as any other process would. */
import { join } from 'node:path'
import type { Alert, ModelEvent } from '#schemas/monitoring-events.ts'
import { decodeAlert, decodeModelEvent } from '#schemas/monitoring-wire.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { type EventLogFollower, openReadOnly } from '#streams/embedded/event-log-follower.ts'

const PAGE_BYTES = 1024 * 1024
const POLL_MS = 100

export type Finding = { readonly kind: 'alert'; readonly alert: Alert } | { readonly kind: 'model'; readonly event: ModelEvent }

export class FindingFollower {
  readonly #log: EventLogFollower
  readonly #next = { alerts: 0, 'model-events': 0 }
  readonly all: Finding[] = []

  constructor(dataDir: string, partitions: number) {
    this.#log = openReadOnly({
      folder: join(dataDir, 'log'),
      partitions: topicPartitions(partitions),
      topics: ['alerts', 'model-events'],
      pollMs: POLL_MS,
    })
  }

  /** What came since the last call, in the order of each topic. */
  async news(): Promise<Finding[]> {
    const found = [
      ...(await this.#read('alerts')).flatMap((bytes): Finding[] => {
        const parsed = decodeAlert(bytes)
        return parsed.kind === 'accepted' ? [{ kind: 'alert', alert: parsed.value }] : []
      }),
      ...(await this.#read('model-events')).flatMap((bytes): Finding[] => {
        const parsed = decodeModelEvent(bytes)
        return parsed.kind === 'accepted' ? [{ kind: 'model', event: parsed.value }] : []
      }),
    ]
    this.all.push(...found)
    return found
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  async #read(topic: 'alerts' | 'model-events'): Promise<Uint8Array[]> {
    const out: Uint8Array[] = []
    while (this.#next[topic] < (this.#log.end(topic)[0] ?? 0))
      for (const record of await this.#log.read(topic, 0, this.#next[topic], PAGE_BYTES)) {
        this.#next[topic] = record.offset + 1
        out.push(record.value)
      }
    return out
  }
}
