/**
 * What past applications read off linked entities, from the topic that tells them: each as its entity stood just before it was told of that
 * application itself. A live engine may have read a version a moment older; what it read is in its capsules.
 */
import type { FeatureSet, LinkedPart } from '#features/feature-set.ts'
import { copyLinked, readLinked } from '#features/linked/read-linked.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { applicationTold, foldUpdate, readUpdate, unknownEntity } from '#streams/linked/fold-update.ts'
import { HighWaterMarks } from '#streams/linked/high-water-marks.ts'
import { linkedKey } from '#streams/linked/linked-key.ts'
import type { LinkedState } from '#streams/linked/linked-record.ts'
import type { EventLog } from '#streams/ports.ts'
import type { LinkedHistory } from '#training/linked-replay.ts'

const PAGE_BYTES = 1024 * 1024

const idOf = ({ producer, eventId }: ApplicationEvent): string => `${producer}\n${eventId}`

/** Reads the topic once. Applications it does not tell of name nothing, or were made later: their linked features are missing. */
export const linkedSource = async (log: EventLog, featureSet: FeatureSet): Promise<LinkedHistory> => {
  const parts = new Map<string, LinkedPart>((featureSet.linked ?? []).map((part) => [part.entity, part]))
  const vectors = new Map<string, Float32Array>()
  const vectorOf = (id: string): Float32Array => {
    const held = vectors.get(id) ?? new Float32Array(featureSet.size).fill(Number.NaN)
    vectors.set(id, held)
    return held
  }
  const ends = log.end('linked-entities')
  for (let partition = 0; parts.size > 0 && partition < ends.length; partition++) {
    const marks = new HighWaterMarks(log.partitions('credit-events'))
    const states = new Map<string, LinkedState>()
    for (let next = log.start('linked-entities')[partition] ?? 0; next < (ends[partition] ?? 0);) {
      const records = await log.read('linked-entities', partition, next, PAGE_BYTES)
      if (records.length === 0) break
      for (const record of records) {
        next = record.offset + 1
        const update = readUpdate(record)
        const part = parts.get(update.entity)
        if (!marks.advance(update) || part === undefined) continue
        const key = linkedKey(part.entity, update.entityId)
        const state = states.get(key) ?? unknownEntity(part)
        states.set(key, state)
        const application = applicationTold(update, record)
        readLinked(part, state.state, application, vectorOf(idOf(application)), 0)
        foldUpdate(part, state, update, record)
      }
    }
  }
  const nothing = new Float32Array(featureSet.size).fill(Number.NaN)
  return { write: (application, vector) => copyLinked(featureSet, vectors.get(idOf(application)) ?? nothing, vector) }
}
