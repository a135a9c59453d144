/** Takes what has queued, within bounds, and decodes it. */
import { admit } from './admission.ts'
import type { Batch, Item } from './batch.ts'
import { type Input, inputOf } from '../input.ts'
import type { Lane } from './lane.ts'
import type { Persist } from './persist.ts'
import type { EventLog, LogRecord } from '../ports.ts'
import { reroute } from '../reroute.ts'
import type { PipelineSettings } from './settings.ts'

export interface FetchPorts {
  readonly log: EventLog
  readonly settings: PipelineSettings
  readonly monotonicUs: () => number
  /** Runs a read, trying again after retryable failures. */
  readonly persist: Persist
  /** Whether an event was given up as poison. */
  readonly isPoison: (record: LogRecord) => boolean
  /** Whether an event threw before and is to be tried again: then in a batch of its own. */
  readonly isSuspect: (record: LogRecord) => boolean
}

/** What each lane may process next; lanes that are at the end are absent. Reads of all lanes run together. */
export const fetchPages = async (
  lanes: readonly Lane[],
  turn: number,
  { log, settings, persist }: FetchPorts,
): Promise<readonly [Lane, readonly LogRecord[]][]> => {
  const ends = log.end('credit-events')
  const behind = lanes.filter((lane) => lane.departure === undefined && lane.next < (ends[lane.partition] as number))
  // Each turn begins with another lane, so that none starves where the bounds cut a batch short.
  const ordered = behind.map((_, i) => behind[(i + turn) % behind.length] as Lane)
  const share = Math.ceil(settings.batchBytesMax / Math.max(1, ordered.length))
  const pages = await Promise.all(ordered.map((lane) => persist(() => log.read('credit-events', lane.partition, lane.next, share))))
  return ordered.map((lane, i) => [lane, pages[i] as readonly LogRecord[]])
}

/** Decodes and checks, up to the batch's bounds; what exceeds them stays in the log for the next turn. */
export const decodeBatch = (pages: readonly [Lane, readonly LogRecord[]][], ports: FetchPorts): Batch => {
  const { log, monotonicUs } = ports
  const { settings } = ports
  const stretch = stretchOf(pages, ports)
  const recordsMax = stretch * settings.batchRecordsMax
  const applicationsMax = stretch * settings.batchApplicationsMax
  const started = monotonicUs()
  const input = inputOf(log)
  const items: Item[] = []
  const next = new Map<Lane, number>()
  let applications = 0
  let alone = false
  for (const [lane, records] of pages) {
    for (const record of records) {
      if (alone) break
      if (ports.isSuspect(record)) {
        if (items.length > 0) break
        alone = true
      }
      if (items.length >= recordsMax || applications >= applicationsMax) break
      const item = decodeItem(lane, record, input, ports)
      if (item.kind === 'event' && item.event.kind === 'application') applications++
      items.push(item)
      next.set(lane, record.offset + 1)
    }
  }
  return { items, next, suspect: alone, stretch, timing: { decodeUs: monotonicUs() - started, stateUs: 0, foldUs: 0 } }
}

/** Larger where so much waits that the age of what waits is not a matter of milliseconds. */
const stretchOf = (pages: readonly [Lane, readonly LogRecord[]][], { log, settings }: FetchPorts): number => {
  const { batchRecordsMax, catchUpFrom, catchUpFactor } = settings
  const ends = log.end('credit-events')
  const waiting = pages.reduce((sum, [{ partition, next }]) => sum + (ends[partition] as number) - next, 0)
  return waiting >= catchUpFrom * batchRecordsMax ? catchUpFactor : 1
}

const decodeItem = (lane: Lane, record: LogRecord, input: Input, { settings, isPoison }: FetchPorts): Item => {
  if (isPoison(record))
    return {
      kind: 'rejected',
      lane,
      record,
      rejection: {
        code: 'poison',
        detail: `processing this event threw ${settings.attemptsMax} times; it was set aside so that the partition can go on`,
        errors: [],
      },
    }
  const admitted = admit(record, input, settings.time)
  if (admitted.kind === 'rejected') return { kind: 'rejected', lane, record, rejection: admitted.rejection }
  if (admitted.kind === 'stray') return { kind: 'stray', lane, record, rerouted: reroute(record, admitted.event, input.partitions) }
  return { kind: 'event', lane, record, event: admitted.event }
}
