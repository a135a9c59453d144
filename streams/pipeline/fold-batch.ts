/** Loads the applicants of a batch, recognises repeats, adopts or prepares applications, and moves the states. */
import type { ApplicationEvent } from '#schemas/events.ts'
import type { FeatureSet } from '#features/feature-set.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { StaleCommit, TerminalFailure } from '../failure.ts'
import type { AppendRecord, LogRecord } from '../ports.ts'
import { dutyAt } from '../protocol/belief.ts'
import type { LinkedEntities } from '../linked/linked-entities.ts'
import { EventCrash, type Batch, type Item, type Pending, type Told } from './batch.ts'
import { count, newCounters, type EngineCounters } from './counters.ts'
import type { EntityCache } from './entity-cache.ts'
import { foldEvent, recognise } from './fold.ts'
import type { Lane } from './lane.ts'
import type { Persist } from './persist.ts'
import type { PipelineSettings } from './settings.ts'

export interface FoldPorts {
  readonly cache: EntityCache
  readonly featureSet: FeatureSet
  /** Undefined where the feature set reads none. */
  readonly linked: LinkedEntities | undefined
  readonly settings: PipelineSettings
  readonly monotonicUs: () => number
  /** Runs a load, trying again after retryable failures. */
  readonly persist: Persist
}

export interface Folded {
  readonly batch: Batch
  /** What happened to its events; added to the engine's counters once the batch is published. */
  readonly counts: EngineCounters
  readonly pending: readonly Pending[]
  /** Vectors of the pending applications, row after row. */
  readonly vectors: Float32Array
  /** In order of position within each lane; to be told once the batch's decisions are believed. */
  readonly told: readonly Told[]
  readonly rejected: readonly { readonly record: LogRecord; readonly rejection: Rejection }[]
  /** Strays, as they are appended where they belong. */
  readonly rerouted: readonly AppendRecord[]
}

/** Brings the batch's applicants into the cache and reads ahead what is to be adopted. */
export const loadBatch = (batch: Batch, ports: FoldPorts): Batch | Promise<Batch> => {
  const started = ports.monotonicUs()
  const missing = new Map<number, string[]>()
  for (const item of batch.items) {
    if (item.kind !== 'event' || ports.cache.peek(item.record.partition, item.event.applicantId) !== undefined) continue
    const keys = missing.get(item.record.partition)
    if (keys === undefined) missing.set(item.record.partition, [item.event.applicantId])
    else if (keys.at(-1) !== item.event.applicantId) keys.push(item.event.applicantId)
  }
  const adopting = batch.next.keys().some((lane) => lane.adoption !== undefined)
  if (missing.size === 0 && !adopting) return batch
  return fetchStates(batch, missing, ports).then((left) => {
    left.timing.stateUs = ports.monotonicUs() - started
    return left
  })
}

const fetchStates = async (batch: Batch, missing: ReadonlyMap<number, readonly string[]>, ports: FoldPorts): Promise<Batch> => {
  const refused = new Set<number>()
  await Promise.all([...missing].map(([partition, keys]) => loadApplicants(partition, [...new Set(keys)], refused, ports)))
  const left = refused.size === 0 ? batch : without(batch, refused)
  for (const [lane, next] of left.next) {
    await lane.adoption?.readTo(next - 1)
    if (lane.adoption?.done === true) lane.adoption = undefined
  }
  return left
}

const loadApplicants = async (partition: number, keys: string[], refused: Set<number>, { cache, persist }: FoldPorts): Promise<void> => {
  try {
    await persist(() => cache.load(partition, keys))
  } catch (failure) {
    if (!(failure instanceof StaleCommit)) throw failure
    refused.add(partition)
  }
}

/** The batch without the lanes whose states the store refused: nothing of theirs was touched yet, and they depart. */
const without = (batch: Batch, refused: ReadonlySet<number>): Batch => {
  const next = new Map(batch.next)
  for (const lane of batch.next.keys())
    if (refused.has(lane.partition)) {
      lane.departure = 'refused'
      next.delete(lane)
    }
  return { ...batch, items: batch.items.filter(({ lane }) => !refused.has(lane.partition)), next }
}

/** Brings the linked entities of the batch's applications within reach, where the feature set reads any. */
export const loadLinked = (batch: Batch, { linked }: FoldPorts): Batch | Promise<Batch> => {
  if (linked === undefined) return batch
  const applications = batch.items.flatMap((item) => (item.kind === 'event' && item.event.kind === 'application' ? [item.event] : []))
  return applications.length === 0 ? batch : linked.load(applications).then(() => batch)
}

/** Synchronous over the whole batch: nothing else sees states between two of its events. */
export const foldBatch = (batch: Batch, ports: FoldPorts): Folded => {
  const started = ports.monotonicUs()
  const { size } = ports.featureSet
  const applications = batch.items.reduce((n, item) => (item.kind === 'event' && item.event.kind === 'application' ? n + 1 : n), 0)
  const vectors = new Float32Array(applications * size)
  const pending: Pending[] = []
  const told: Told[] = []
  const rejected: { record: LogRecord; rejection: Rejection }[] = []
  const rerouted: AppendRecord[] = []
  const counts = newCounters()
  const recounts = newCounters()
  for (const item of batch.items) {
    const tally = item.record.offset < item.lane.countFrom ? recounts : counts
    if (item.kind === 'rejected') {
      rejected.push(item)
      count(tally.deadLetters, item.rejection.code)
      continue
    }
    if (item.kind === 'stray') {
      rerouted.push(item.rerouted)
      tally.rerouted++
      continue
    }
    try {
      const refused = foldItem(item, { pending, vectors, told }, tally, ports)
      if (refused === undefined) continue
      rejected.push({ record: item.record, rejection: refused })
      count(tally.deadLetters, refused.code)
    } catch (cause) {
      throw cause instanceof TerminalFailure ? cause : new EventCrash(item.record, cause)
    }
  }
  batch.timing.foldUs = ports.monotonicUs() - started
  return { batch, counts, pending, vectors, told, rejected, rerouted }
}

/** What a batch's events add to. */
interface Yield {
  readonly pending: Pending[]
  readonly vectors: Float32Array
  readonly told: Told[]
}

const foldItem = (item: Item & { kind: 'event' }, out: Yield, counters: EngineCounters, ports: FoldPorts): Rejection | undefined => {
  const { lane, record, event } = item
  const { featureSet, settings } = ports
  const entity = ports.cache.change(record.partition, event.applicantId)
  const overflow = entity.ring.overflow
  const seen = recognise(entity, event, record, settings.dedupe)
  counters.dedupeOverflow += entity.ring.overflow - overflow
  switch (seen.kind) {
    case 'duplicate':
      counters.duplicates++
      return undefined
    case 'conflict':
      return conflict(record.partition, seen.offset, event.producer, event.eventId)
    case 'new':
  }
  if (event.kind === 'application') {
    prepare(lane, record, event, entity.state, out, counters, ports)
    if (ports.linked !== undefined) for (const told of ports.linked.updates(record, event)) out.told.push({ lane, record: told })
  }
  if (foldEvent(entity, event, featureSet)) counters.late++
  if (entity.erased) counters.erasures++
  count(counters.events, event.kind)
  return undefined
}

/** An application's vector is read before it is folded itself. What a predecessor decided is adopted, never scored again. */
const prepare = (
  lane: Lane,
  record: LogRecord,
  application: ApplicationEvent,
  state: Uint8Array,
  { pending, vectors }: Yield,
  counters: EngineCounters,
  ports: FoldPorts,
): void => {
  const believed = lane.adoption?.at(record.offset)
  switch (dutyAt(record.offset, believed?.decision.body.offset)) {
    case 'adopt': {
      const { decision, at } = believed as NonNullable<typeof believed>
      if (decision.previousHash !== lane.chainHash)
        throw new TerminalFailure(
          'one-content-broken',
          `decision ${record.partition}-${record.offset} follows ${decision.previousHash}, the chain stands at ${lane.chainHash}: log and state disagree. Run verify-chain; rebuild the state folder from the log.`,
        )
      lane.chainHash = decision.capsuleHash
      lane.decisionsOffset = at + 1
      counters.adopted++
      return
    }
    case 'pass':
      counters.passed++
      return
    case 'score': {
      const at = pending.length * ports.featureSet.size
      ports.featureSet.vector(state, application, vectors, at)
      pending.push({ lane, record, application, at, linked: ports.linked?.read(application, vectors, at) })
    }
  }
}

const conflict = (partition: number, original: number, producer: string, eventId: string): Rejection => ({
  code: 'duplicate-conflict',
  detail: `producer ${producer} sent event ${eventId} before, with other content, as ${partition}-${original}; the first stands`,
  errors: [
    {
      pointer: '/eventId',
      value: eventId.slice(0, 64),
      expected: 'an id not used before, or the same content',
      remedy: 'Give the corrected event an eventId of its own.',
    },
  ],
})
