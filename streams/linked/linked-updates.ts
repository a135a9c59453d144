/**
 * What an application tells the entities it names: one record each, numbered by kind of entity, so that a repeat is recognised by its place
 * alone. All kinds are told, whether or not a feature reads them: a feature set that comes later finds the topic complete.
 */
import { linkId } from '#features/linked/link-id.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { LINKED_KINDS } from '#schemas/linked-update.ts'
import { encodeLinkedUpdate } from '#schemas/linked-wire.ts'
import { encodeEvent } from '#schemas/wire.ts'
import type { AppendRecord, Position } from '../ports.ts'
import { linkedKey, linkedPartition } from './linked-key.ts'

/** A function of the input record alone: whoever folds it, and however often, says the same. */
export const linkedUpdates = (
  { partition, offset }: Position,
  application: ApplicationEvent,
  partitions: number,
): readonly AppendRecord[] => {
  const out: AppendRecord[] = []
  let bytes: Uint8Array | undefined
  LINKED_KINDS.forEach((entity, n) => {
    const entityId = linkId(application, entity)
    if (entityId === undefined) return
    bytes ??= encodeEvent(application)
    const key = linkedKey(entity, entityId)
    const update = { sourcePartition: partition, sourceOffset: offset, n, entity, entityId, application: bytes }
    out.push({ partition: linkedPartition(key, partitions), key: Buffer.from(key, 'latin1'), value: encodeLinkedUpdate(update) })
  })
  return out
}
