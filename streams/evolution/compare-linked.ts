/** States of linked entities that are about to be in force, against their topic folded again. */
import type { FeatureSet, LinkedPart } from '#features/feature-set.ts'
import { linkId } from '#features/linked/link-id.ts'
import { readLinked } from '#features/linked/read-linked.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { foldUpdate, readUpdate, unknownEntity } from '../linked/fold-update.ts'
import { HighWaterMarks } from '../linked/high-water-marks.ts'
import { linkedKey, linkedPartition } from '../linked/linked-key.ts'
import { decodeLinkedState, type LinkedState } from '../linked/linked-record.ts'
import type { EventLog, StateStore } from '../ports.ts'
import type { Findings } from './certificate.ts'

const PAGE_BYTES = 1024 * 1024

interface Asked {
  readonly part: LinkedPart
  readonly application: ApplicationEvent
  readonly live: LinkedState
}

export interface CompareLinkedPorts {
  readonly log: EventLog
  readonly set: FeatureSet
  readonly linkedState: StateStore
  /** Whether everything that lies in the topic was folded into it; else each state is looked at up to its own version. */
  readonly complete: boolean
  readonly pause: () => Promise<unknown>
}

/** Every entity that these applications name, once. Returns how many there are. */
export const compareLinked = async (
  applications: readonly ApplicationEvent[],
  { log, set, linkedState, complete, pause }: CompareLinkedPorts,
  findings: Findings,
): Promise<number> => {
  const partitions = log.partitions('linked-entities')
  const asked = Array.from({ length: partitions }, () => new Map<string, Omit<Asked, 'live'>>())
  for (const application of applications)
    for (const part of set.linked ?? []) {
      const id = linkId(application, part.entity)
      const key = id === undefined ? undefined : linkedKey(part.entity, id)
      if (key !== undefined) asked[linkedPartition(key, partitions)]!.set(key, { part, application })
    }
  const [found, expected] = [new Float32Array(set.size), new Float32Array(set.size)]
  let count = 0
  for (const [partition, byKey] of asked.entries()) {
    if (byKey.size === 0) continue
    const keys = [...byKey.keys()]
    const records = await linkedState.load(partition, keys)
    const held = new Map<string, Asked>()
    keys.forEach((key, i) => {
      const one = byKey.get(key)!
      const record = records[i]
      const live = record === undefined ? unknownEntity(one.part) : decodeLinkedState(record, one.part.set.stateBytes, key)
      held.set(key, { ...one, live })
    })
    const again = await foldAgain({ log, partition, asked: held, complete, pause })
    for (const [key, { part, application, live }] of held) {
      // A moment later, so that the application itself is counted.
      const ask = { ...application, eventTime: (application.eventTime + 1) as ApplicationEvent['eventTime'] }
      readLinked(part, live.state, ask, found, 0)
      readLinked(part, again.get(key)!.state, ask, expected, 0)
      part.set.features.forEach(({ name }, n) => findings.compare(name, found[part.at[n]!]!, expected[part.at[n]!]!, key))
      count++
    }
  }
  return count
}

interface Refold extends Pick<CompareLinkedPorts, 'log' | 'complete' | 'pause'> {
  readonly partition: number
  readonly asked: ReadonlyMap<string, Asked>
}

const foldAgain = async ({ log, partition, asked, complete, pause }: Refold): Promise<ReadonlyMap<string, LinkedState>> => {
  const states = new Map([...asked].map(([key, { part }]) => [key, unknownEntity(part)]))
  const marks = new HighWaterMarks(log.partitions('credit-events'))
  const end = log.end('linked-entities')[partition] ?? 0
  for (let next = log.start('linked-entities')[partition] ?? 0; next < end;) {
    const records = await log.read('linked-entities', partition, next, PAGE_BYTES)
    if (records.length === 0) break
    for (const record of records) {
      next = record.offset + 1
      if (record.offset >= end) break
      const update = readUpdate(record)
      const key = linkedKey(update.entity, update.entityId)
      const one = asked.get(key)
      if (!marks.advance(update) || one === undefined) continue
      if (complete || record.offset < one.live.version) foldUpdate(one.part, states.get(key)!, update, record)
    }
    await pause()
  }
  return states
}
