/**
 * The applicants at work, in memory. Loaded from the store on a miss; dirty ones stay until they are committed, clean ones leave in rough
 * order of last use once the cache exceeds its bytes (the CLOCK rule: a hand goes round, what was used since it last came by stays).
 */
import type { FeatureSet } from '#features/feature-set.ts'
import { decodeEntity, entityBytes, newEntity, recordBytesMax, renewEntity, writeEntity, type Entity } from '../entity-record.ts'
import { DedupeRing } from '../dedupe-ring.ts'
import { joinOlder, olderBytesMax, olderKey, settleOlder, writeOlder } from '../older-entries.ts'
import type { RecordMemory } from '../record-memory.ts'
import type { StateStore, StoredAt } from '../ports.ts'
import { RecordWriter } from './record-writer.ts'

/** Objects, map entry and array headers around an entity's bytes; measured at about 400 bytes. */
const OVERHEAD_BYTES = 400
/** Entities that left, kept so that the next ones take their memory: about as many as a batch may load. */
const SPARE_BYTES_MAX = 4 * 1024 * 1024

interface Held {
  readonly key: string
  readonly partition: number
  readonly entity: Entity
  bytes: number
  /** Commits under way or due that carry this entity; it may leave at 0. */
  pins: number
  dirty: boolean
  used: boolean
}

/** What a commit carries. */
export interface Taken {
  readonly states: readonly Map<string, Uint8Array>[]
  readonly held: readonly Held[]
  readonly writer: RecordWriter
}

/** The applicants of one owned partition. Whoever loads for an ownership that has ended inserts where nobody looks any more. */
interface Slot {
  readonly held: Map<string, Held>
  readonly loading: Map<string, Promise<void>>
  /** Where its owner left the store, now. */
  readonly at: () => StoredAt
}

export class EntityCache {
  readonly #featureSet: FeatureSet
  readonly #hash: Buffer
  readonly #store: StateStore
  readonly #bytesMax: number
  readonly #slots: (Slot | undefined)[]
  /** All of them once more, in no order: what the hand goes over. */
  #ring: Held[] = []
  readonly #emptyState: Uint8Array
  /** Allocating anew for each applicant that comes would keep the collector busy: buffers live outside its young generation. */
  readonly #spare: Entity[] = []
  #spareBytes = 0
  readonly #spareMemory: RecordMemory[] = []
  #hand = 0
  #dirty: Held[] = []
  #bytes = 0

  constructor(featureSet: FeatureSet, store: StateStore, partitions: number, bytesMax: number) {
    this.#featureSet = featureSet
    this.#hash = Buffer.from(featureSet.hash, 'hex')
    this.#emptyState = featureSet.emptyState()
    this.#store = store
    this.#bytesMax = bytesMax
    this.#slots = Array.from({ length: partitions }, () => undefined)
  }

  get bytes(): number {
    return this.#bytes
  }
  get dirtyCount(): number {
    return this.#dirty.length
  }
  /** About so many: by the average entity. */
  get dirtyBytes(): number {
    return this.#ring.length === 0 ? 0 : (this.#bytes / this.#ring.length) * this.#dirty.length
  }

  /** Begins an ownership of a partition, with nothing in memory. */
  open(partition: number, at: () => StoredAt): void {
    this.drop(partition)
    this.#slots[partition] = { held: new Map(), loading: new Map(), at }
  }

  /** Ends an ownership: what was not committed is forgotten. */
  drop(partition: number): void {
    const slot = this.#slots[partition]
    if (slot === undefined) return
    for (const held of slot.held.values()) this.#bytes -= held.bytes
    this.#slots[partition] = undefined
    this.#dirty = this.#dirty.filter((held) => held.partition !== partition)
    this.#ring = this.#ring.filter((held) => held.partition !== partition)
    this.#hand = 0
  }

  /** What is in memory, for use before the next await: it may leave then, and another applicant take its memory. */
  peek(partition: number, key: string): Entity | undefined {
    const held = this.#slots[partition]?.held.get(key)
    if (held === undefined) return undefined
    held.used = true
    return held.entity
  }

  /**
   * The entity for reading alone: what is not at work is read past the cache, so that read-outs cannot fill it. Where the partition is another
   * process's, that is its state as of the last commit. The caller's own copy: what is at work may leave, and another applicant take its memory.
   */
  async read(partition: number, key: string): Promise<Entity> {
    const held = this.peek(partition, key)
    if (held !== undefined) return copyOf(held)
    // Both of one moment.
    const [record, older] = await this.#store.load(partition, [key, olderKey(key)])
    const since = this.peek(partition, key)
    if (since !== undefined) return copyOf(since)
    const entity = this.#decode(partition, key, record)
    if (entity.ring.settled > 0) joinOlder(entity.ring, older, nameOf(partition, key))
    entity.ring.settled = 0
    return entity
  }

  /** The entity, about to be changed. It must be in the cache. */
  change(partition: number, key: string): Entity {
    const held = this.#slots[partition]?.held.get(key)
    if (held === undefined) throw new Error(`entity ${key} of partition ${partition} was not loaded`)
    held.used = true
    if (!held.dirty) {
      held.dirty = true
      this.#dirty.push(held)
    }
    return held.entity
  }

  /**
   * Brings what is missing into the cache; simultaneous calls share one load, so that nobody can insert an older copy. Rejects with
   * `StaleCommit` where the store no longer stands where the owner left it. Does nothing for a partition that is not owned.
   */
  async load(partition: number, keys: readonly string[]): Promise<void> {
    const slot = this.#slots[partition]
    if (slot === undefined) return
    const missing: string[] = []
    const waits: Promise<void>[] = []
    for (const key of keys) {
      if (slot.held.has(key)) continue
      const under = slot.loading.get(key)
      if (under === undefined) missing.push(key)
      else waits.push(under)
    }
    if (missing.length > 0 && this.#store.visit !== undefined) this.#visit(slot, partition, missing)
    else if (missing.length > 0) {
      const load = this.#insertLoaded(slot, partition, missing)
      for (const key of missing) slot.loading.set(key, load)
      waits.push(load)
    }
    await Promise.all(waits)
  }

  /** Encodes all dirty entities, by partition, as they are now; they stay until {@link committed} is called with the result. */
  takeDirty(): Taken {
    const states = this.#slots.map(() => new Map<string, Uint8Array>())
    const held = this.#dirty
    this.#dirty = []
    const writer = new RecordWriter(this.#spareMemory)
    for (const one of held) {
      const { entity } = one
      const bytes = entityBytes(entity) + OVERHEAD_BYTES
      this.#bytes += bytes - one.bytes
      one.bytes = bytes
      one.dirty = false
      one.pins++
      const { ring, state } = entity
      const written = states[one.partition] as Map<string, Uint8Array>
      if (settleOlder(ring)) {
        const start = writer.reserve(olderBytesMax(ring.settled))
        written.set(olderKey(one.key), writer.taken(writeOlder(ring, writer.memory, start)))
      }
      const start = writer.reserve(recordBytesMax(state.length, ring.count - ring.settled))
      written.set(one.key, writer.taken(writeEntity(entity, this.#hash, writer.memory, start)))
    }
    return { states, held, writer }
  }

  /** Nobody looks at the records any more. */
  committed({ held, writer }: Taken): void {
    for (const one of held) one.pins--
    writer.giveBack()
  }

  /** Lets clean entities go until the bound is met. Called between batches only: a batch relies on what it loaded. */
  trim(): void {
    if (this.#bytes > this.#bytesMax) this.#evict()
  }

  async #insertLoaded(slot: Slot, partition: number, keys: readonly string[]): Promise<void> {
    try {
      const records = await this.#store.load(partition, keys, slot.at())
      const entities = records.map((record, i) => this.#decode(partition, keys[i] as string, record, this.#takeSpare()))
      const longer = keys.flatMap((key, i) =>
        (entities[i] as Entity).ring.settled > 0 ? [{ key, ring: (entities[i] as Entity).ring }] : [],
      )
      if (longer.length > 0) {
        const older = await this.#store.load(
          partition,
          longer.map(({ key }) => olderKey(key)),
          slot.at(),
        )
        longer.forEach(({ key, ring }, i) => joinOlder(ring, older[i], nameOf(partition, key)))
      }
      keys.forEach((key, i) => this.#insert(slot, partition, key, entities[i] as Entity))
    } finally {
      for (const key of keys) slot.loading.delete(key)
    }
  }

  /** As {@link #insertLoaded}, at once. */
  #visit(slot: Slot, partition: number, keys: readonly string[]): void {
    const at = slot.at()
    this.#store.visit?.(partition, keys, at, (i, record) => {
      const key = keys[i] as string
      const entity = this.#decode(partition, key, record, this.#takeSpare())
      if (entity.ring.settled > 0)
        this.#store.visit?.(partition, [olderKey(key)], at, (_, older) => joinOlder(entity.ring, older, nameOf(partition, key)))
      this.#insert(slot, partition, key, entity)
    })
  }

  #insert(slot: Slot, partition: number, key: string, entity: Entity): void {
    if (this.#slots[partition] !== slot) return
    const bytes = entityBytes(entity) + OVERHEAD_BYTES
    const held: Held = { key, partition, entity, bytes, pins: 0, dirty: false, used: true }
    slot.held.set(key, held)
    this.#ring.push(held)
    this.#bytes += bytes
  }

  #takeSpare(): Entity | undefined {
    const spare = this.#spare.pop()
    if (spare !== undefined) this.#spareBytes -= entityBytes(spare)
    return spare
  }

  #keepSpare(entity: Entity): void {
    const bytes = entityBytes(entity)
    if (this.#spareBytes + bytes > SPARE_BYTES_MAX) return
    this.#spareBytes += bytes
    this.#spare.push(entity)
  }

  #decode(partition: number, key: string, record: Uint8Array | undefined, spare?: Entity): Entity {
    if (record !== undefined) return decodeEntity(record, this.#hash, this.#featureSet.stateBytes, nameOf(partition, key), spare)
    return spare === undefined ? newEntity(this.#featureSet.emptyState()) : renewEntity(spare, this.#emptyState)
  }

  /** A quarter round at most, so that no batch pays for all: where much is dirty or in use, the cache stays too large for a while. */
  #evict(): void {
    for (let looks = Math.max(64, this.#ring.length >> 2); looks > 0 && this.#bytes > this.#bytesMax; looks--) {
      if (this.#hand >= this.#ring.length) this.#hand = 0
      const held = this.#ring[this.#hand] as Held
      if (held.used || held.dirty || held.pins > 0) {
        held.used = false
        this.#hand++
        continue
      }
      this.#slots[held.partition]?.held.delete(held.key)
      this.#bytes -= held.bytes
      this.#keepSpare(held.entity)
      const last = this.#ring.pop() as Held
      if (last !== held) this.#ring[this.#hand] = last
    }
  }
}

const nameOf = (partition: number, key: string): string => `applicant ${key} in partition ${partition}`

const copyOf = ({ ring, state, newestEventTime, erased }: Entity): Entity => ({
  ring: new DedupeRing(ring.words.slice(), ring.count, ring.overflow),
  state: state.slice(),
  newestEventTime,
  erased,
})
