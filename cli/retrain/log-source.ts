/** The engine's own input log as a source for training: what the pipeline folded, up to the offsets of the request, and nothing after. */
import { decodeDecisionRecord } from '#schemas/wire.ts'
import type { DedupeLimits } from '#streams/dedupe-ring.ts'
import { type Entity, newEntity } from '#streams/entity-record.ts'
import { inputOf } from '#streams/input.ts'
import { admit, type TimeRules } from '#streams/pipeline/admission.ts'
import { recognise } from '#streams/pipeline/fold.ts'
import type { EventLog, LogRecord } from '#streams/ports.ts'
import { setAsideIn } from '#streams/set-aside.ts'
import type { EventSink, EventSource } from '#training/event-replay.ts'
import type { IsDoubtful } from './doubtful-data.ts'

const PAGE_BYTES = 1024 * 1024
/** Decisions of a partition whose vectors are compared with the replayed ones. */
const WITNESSES_A_PARTITION = 50
const NO_STATE = new Uint8Array(0)

export interface LogSourceOptions {
  readonly log: EventLog
  /** Per partition, the offset before which everything was known. */
  readonly inputOffsets: readonly number[]
  /** As in force when the events were folded. */
  readonly time: TimeRules
  readonly dedupe: DedupeLimits
  readonly isDoubtful: IsDoubtful
}

/** Input records of one partition below an offset. Yields to the event loop between pages, as reading does. */
async function* inputBelow(log: EventLog, partition: number, end: number): AsyncGenerator<LogRecord> {
  for (let next = log.start('credit-events')[partition] ?? 0; next < end;) {
    const records = await log.read('credit-events', partition, next, PAGE_BYTES)
    if (records.length === 0) return
    for (const record of records) {
      next = record.offset + 1
      if (record.offset < end) yield record
    }
  }
}

/**
 * Pushes every event that the live pipeline folded below the given offsets: admitted, not repeated, not set aside. An outcome at or behind
 * the offset was not known at the request, whatever its date says. Partition by partition, so that memory holds one partition's applicants.
 */
export const logSource =
  ({ log, inputOffsets, time, dedupe, isDoubtful }: LogSourceOptions): EventSource =>
  async (sink: EventSink) => {
    const input = inputOf(log)
    for (let partition = 0; partition < input.partitions; partition++) {
      const setAside = await setAsideIn(log, partition)
      const seen = new Map<string, Entity>()
      for await (const record of inputBelow(log, partition, inputOffsets[partition] ?? 0)) {
        const found = admit(record, input, time)
        if (found.kind !== 'event' || setAside.has(record.offset)) continue
        const { event } = found
        let entity = seen.get(event.applicantId)
        if (entity === undefined) seen.set(event.applicantId, (entity = newEntity(NO_STATE)))
        if (recognise(entity, event, record, dedupe).kind !== 'new') continue
        sink.event(event)
        if (isDoubtful(event, record.appendedAt)) sink.exclude(event.applicantId)
      }
      sink.partitionEnd()
    }
  }

/** Vectors of some decisions of each partition, evenly spread, by application id: what the live engine computed. */
export const decidedVectors = async (log: EventLog, featureSetHash: string): Promise<Map<string, Float32Array>> => {
  const out = new Map<string, Float32Array>()
  const ends = log.end('decisions')
  for (let partition = 0; partition < ends.length; partition++) {
    const [start, end] = [log.start('decisions')[partition] ?? 0, ends[partition] ?? 0]
    const step = Math.max(1, Math.floor((end - start) / WITNESSES_A_PARTITION))
    for (let at = start; at < end; at += step) {
      const [record] = await log.read('decisions', partition, at, 1)
      const found = record === undefined ? undefined : decodeDecisionRecord(record.value)
      if (found?.kind !== 'decision' || found.decision.body.featureSetHash !== featureSetHash) continue
      out.set(found.decision.body.applicationId, found.decision.body.vector)
    }
  }
  return out
}
