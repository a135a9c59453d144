/**
 * One owned partition of the topic: folds its updates and commits states, marks and position in one step. Entities are held in memory up to a
 * bound; those that changed since the last commit stay.
 */
import type { LinkedPart } from '#features/feature-set.ts'
import { TerminalFailure } from '../failure.ts'
import type { Persist } from '../pipeline/persist.ts'
import type { EventLog, LogRecord, StateStore } from '../ports.ts'
import { CHAIN_START } from '../protocol/commit-ledger.ts'
import { foldUpdate, readUpdate, unknownEntity } from './fold-update.ts'
import { HighWaterMarks } from './high-water-marks.ts'
import { linkedKey } from './linked-key.ts'
import { decodeLinkedState, encodeLinkedState, linkedRecordBytes, type LinkedState } from './linked-record.ts'

/** Its own field beside the entities, whose keys all have a colon. */
const MARKS_KEY = 'marks'
const PAGE_BYTES = 256 * 1024
/** Objects and map entry around an entity's bytes. */
const OVERHEAD_BYTES = 300

export interface LinkedPartitionPorts {
  readonly log: EventLog
  readonly store: StateStore
  readonly parts: readonly LinkedPart[]
  readonly persist: Persist
  /** Memory of one partition's entities. */
  readonly bytesMax: number
}

export class LinkedPartition {
  readonly partition: number
  readonly epoch: number
  /** Next update to fold. */
  next: number
  readonly #ports: LinkedPartitionPorts
  readonly #parts: ReadonlyMap<string, LinkedPart>
  readonly #marks: HighWaterMarks
  readonly #held = new Map<string, LinkedState>()
  readonly #dirty = new Set<string>()
  #stored: number
  #bytes = 0
  /** Repeats met: updates emitted again after a takeover. */
  repeats = 0

  private constructor(ports: LinkedPartitionPorts, partition: number, epoch: number, stored: number, marks: HighWaterMarks) {
    this.#ports = ports
    this.#parts = new Map(ports.parts.map((part) => [part.entity, part]))
    this.partition = partition
    this.epoch = epoch
    this.next = stored
    this.#stored = stored
    this.#marks = marks
  }

  /** Takes the partition over. Rejects with `StaleCommit` where an owner with a newer claim was quicker at the store. */
  static async claim(partition: number, epoch: number, ports: LinkedPartitionPorts): Promise<LinkedPartition> {
    const { log, store, persist } = ports
    const { offset } = await persist(() => store.claim(partition, epoch))
    await persist(() => log.refresh('linked-entities', [partition]))
    const [start, end] = [log.start('linked-entities')[partition] ?? 0, log.end('linked-entities')[partition] ?? 0]
    if (offset < start || offset > end)
      throw new TerminalFailure(
        'log-shortened',
        `linked-entities[${partition}] holds ${start} to ${end}, the states of linked entities stand at ${offset}: records between are gone. Restore the log from a copy; nothing is reset by itself.`,
      )
    const [marks] = await persist(() => store.load(partition, [MARKS_KEY], { epoch, offset }))
    return new LinkedPartition(ports, partition, epoch, offset, new HighWaterMarks(log.partitions('credit-events'), marks))
  }

  get behind(): boolean {
    return this.next < (this.#ports.log.end('linked-entities')[this.partition] ?? 0)
  }

  get uncommitted(): boolean {
    return this.next > this.#stored
  }

  /** The entity as far as it is in memory; updated in place by later folds. */
  peek(key: string): LinkedState | undefined {
    return this.#held.get(key)
  }

  /** Folds what lies next, a page at most. Rejects with `StaleCommit` where the store no longer stands where this owner left it. */
  async fold(): Promise<void> {
    const { log, persist } = this.#ports
    const records = await persist(() => log.read('linked-entities', this.partition, this.next, PAGE_BYTES))
    const updates = records.map(readUpdate)
    const read = updates.filter(({ entity }) => this.#parts.has(entity))
    const keys = new Set(read.map(({ entity, entityId }) => linkedKey(entity, entityId)))
    await this.#load([...keys].filter((key) => !this.#held.has(key)))
    // From here on in one turn of the event loop: readers see an entity before an update or after it.
    updates.forEach((update, i) => this.#take(update, records[i] as LogRecord))
    this.next = (records.at(-1)?.offset ?? this.next - 1) + 1
  }

  /** Commits what was folded. Rejects with `StaleCommit` where another was here. */
  async commit(): Promise<void> {
    const { store, persist } = this.#ports
    const { partition, epoch } = this
    const states = new Map<string, Uint8Array>([[MARKS_KEY, this.#marks.bytes()]])
    for (const key of this.#dirty) states.set(key, encodeLinkedState(this.#held.get(key)!))
    const commit = { partition, epoch, from: this.#stored, to: this.next, chainHash: CHAIN_START, decisionsOffset: 0, states }
    await persist(() => store.commit([commit]))
    this.#stored = commit.to
    this.#dirty.clear()
    this.#evict()
  }

  get dirtyCount(): number {
    return this.#dirty.size
  }

  #partOf(key: string): LinkedPart {
    return this.#parts.get(key.slice(0, key.indexOf(':')))!
  }

  async #load(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const { store, persist } = this.#ports
    const at = { epoch: this.epoch, offset: this.#stored }
    const records = await persist(() => store.load(this.partition, keys, at))
    keys.forEach((key, i) => {
      const part = this.#partOf(key)
      const record = records[i]
      this.#held.set(key, record === undefined ? unknownEntity(part) : decodeLinkedState(record, part.set.stateBytes, key))
      this.#bytes += linkedRecordBytes(part.set.stateBytes) + OVERHEAD_BYTES
    })
  }

  #take(update: ReturnType<typeof readUpdate>, record: LogRecord): void {
    if (!this.#marks.advance(update)) {
      this.repeats++
      return
    }
    const part = this.#parts.get(update.entity)
    // No feature reads this kind.
    if (part === undefined) return
    const key = linkedKey(update.entity, update.entityId)
    const held = this.#held.get(key)!
    foldUpdate(part, held, update, record)
    this.#dirty.add(key)
    // Moved to the end: the least recently updated leave first.
    this.#held.delete(key)
    this.#held.set(key, held)
  }

  /** Nothing is dirty when this is called. */
  #evict(): void {
    for (const key of this.#held.keys()) {
      if (this.#bytes <= this.#ports.bytesMax) return
      this.#held.delete(key)
      this.#bytes -= linkedRecordBytes(this.#partOf(key).set.stateBytes) + OVERHEAD_BYTES
    }
  }
}
