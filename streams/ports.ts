/** What the pipelines need of the outside. The consumer owns its port; adapters live in the folders beside this file. */
import type { EventFormat } from '#schemas/event-format.ts'
import type { ApplicationEvent, ProducedEvent } from '#schemas/events.ts'
import type { Rejection } from '#schemas/rejection.ts'
import type { DegradeStep, Verdict } from '#schemas/decision.ts'
import type { EpochMs } from '#schemas/units.ts'

/** `linked-entities` is internal: what applications tell the devices, employers and addresses they name. */
export type Topic = 'credit-events' | 'decisions' | 'linked-entities' | 'revisions' | 'dead-letters' | 'alerts' | 'model-events'

export interface AppendRecord {
  readonly partition: number
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface LogRecord {
  readonly partition: number
  readonly offset: number
  /** The log's append time: the only clock replay can repeat. */
  readonly appendedAt: EpochMs
  readonly key: Uint8Array
  /** A view; valid as long as it is referenced. */
  readonly value: Uint8Array
}

/** An append-only, partitioned log. Offsets count from 0 in each partition without gaps (embedded) or with (Kafka). */
export interface EventLog {
  /**
   * How events stand in `credit-events` where others than this program write to it, too; absent where it alone does (`CATALOGUE_FORMAT`). What
   * {@link read} returned of that topic can be decoded at once.
   */
  readonly format?: EventFormat
  partitions(topic: Topic): number
  /** First offset still held, per partition. */
  start(topic: Topic): readonly number[]
  /** Offset the next record will get, per partition: everything below is readable. */
  end(topic: Topic): readonly number[]
  /**
   * Appends in the given order; all of one call or, after a crash, a prefix of it. Resolves with each record's offset once the records
   * survive what the configured durability names. Rejects with a retryable error when the disk is full; nothing is then appended.
   */
  append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly number[]>
  /** Records of one partition from `offset` on, at most about `bytesMax` bytes but at least one; empty at the end. */
  read(topic: Topic, partition: number, offset: number, bytesMax: number): Promise<readonly LogRecord[]>
  /** Brings `start` and `end` of these partitions up to date with the log's servers; at once where they always are. */
  refresh(topic: Topic, partitions: readonly number[]): Promise<void>
  /** Calls back, coalesced, after records became readable. Returns the unsubscribe function. */
  onAppend(topic: Topic, listener: () => void): () => void
  /** Declares what a named consumer has finished with (exclusive, per partition); retention never passes it. Durable, lazily. */
  release(topic: Topic, consumer: string, offsets: readonly number[]): void
  close(): Promise<void>
}

export interface StateCommit {
  readonly partition: number
  /** Offset the store must hold now; the commit is refused (`StaleCommit`) otherwise. */
  readonly from: number
  /** Offset stored with the states, atomically. */
  readonly to: number
  readonly epoch: number
  /** Hash of the last believed decision below `to`, hex: the chain goes on from here. */
  readonly chainHash: string
  /** Position in the decisions partition just after that decision: a successor looks for decisions to adopt from here on. */
  readonly decisionsOffset: number
  /** Entity records written; null removes (erasure). Their bytes are the caller's again once the commit is done. */
  readonly states: ReadonlyMap<string, Uint8Array | null>
}

export interface PartitionState {
  readonly offset: number
  /** Newest epoch that claimed or committed; −1 before the first. */
  readonly epoch: number
  readonly chainHash: string
  readonly decisionsOffset: number
}

/** Where an owner left a partition: states it loads must belong to this epoch, and to this offset or a later commit of its own. */
export interface StoredAt {
  readonly epoch: number
  readonly offset: number
}

/** Entity states and, with them, the next offset of each partition. */
export interface StateStore {
  /** Fences older epochs and returns where the partition stands. */
  claim(partition: number, epoch: number): Promise<PartitionState>
  /**
   * Entity records in the order of the keys. With `at`, checked in the same atomic step: refused (`StaleCommit`) where the partition stands
   * under another epoch or below that offset. Otherwise a store that fell back, or a successor's commits, would mix states of two moments.
   */
  load(partition: number, keys: readonly string[], at?: StoredAt): Promise<readonly (Uint8Array | undefined)[]>
  /**
   * As {@link load}, handing over each record at once and in the order of the keys, where a store has them at hand; without its copies. A record may
   * be looked at until `take` returns.
   */
  visit?(partition: number, keys: readonly string[], at: StoredAt, take: (index: number, record: Uint8Array | undefined) => void): void
  /**
   * Each partition's commit is one atomic step, checked against its stored offset and epoch. Partitions need no step in common: an entity, its
   * offset and its chain belong to one. Where one is refused (`StaleCommit`) it is open which of the others took effect.
   */
  commit(commits: readonly StateCommit[]): Promise<void>
  close(): Promise<void>
}

/** What a group's coordinator tells one member. Each call is awaited before the coordinator goes on. */
export interface OwnershipListener {
  /** From now on this member's: it claims them and begins. */
  assigned(partitions: readonly number[]): Promise<void>
  /** About to become another's: the batch under way is finished and committed; resolves once let go. */
  revoked(partitions: readonly number[]): Promise<void>
  /** Already another's, the session having expired: let go without committing. */
  lost(partitions: readonly number[]): Promise<void>
}

/**
 * Who works on which input partition. No promise rests on it: two owners at a time are harmless (claims, belief and checked commits see to
 * that) and only waste work.
 */
export interface Ownership {
  join(listener: OwnershipListener): Promise<void>
  /** Shows committed positions where operators look for lag. Advisory: nothing is ever read from there. */
  mirror(offsets: ReadonlyMap<number, number>): void
  /** Hands everything over (`revoked` is called) and leaves. */
  leave(): Promise<void>
}

/** Place of a record in the input log. */
export interface Position {
  readonly partition: number
  readonly offset: number
}

/** An event that parsed, with the bytes the producer sent; a conflict dead-letters those. */
export interface IncomingEvent {
  readonly event: ProducedEvent
  readonly bytes: Uint8Array
}

/** What became of one event. `position` is null for events that never enter the log (protected attributes go to the vault). */
export type IngestResult =
  | { readonly status: 'accepted'; readonly position: Position | null }
  | { readonly status: 'duplicate'; readonly position: Position | null }
  | { readonly status: 'conflict'; readonly position: Position | null; readonly rejection: Rejection }
  | { readonly status: 'rejected'; readonly position: null; readonly rejection: Rejection }

export interface Clock {
  now(): EpochMs
}

/** Microseconds of a decider's last decision. */
export interface DeciderStages {
  readonly scoreUs: number
  readonly explainUs: number
  readonly policyUs: number
}

/** What a decider worked out for many rows together; row r stands at `r · d` of the attributions, and at r of each member's margins. */
export interface PreparedRows {
  readonly margins: readonly Float64Array[]
  readonly attributions: Float64Array
  /** A row's share of the time, in µs. */
  readonly scoreUs: number
  readonly explainUs: number
}

/** Scoring, as the pipeline sees it; arrives as an argument. */
export interface Decider {
  readonly modelVersion: string
  readonly featureSetHash: string
  /** Overwritten by each decision, where the decider measures itself. */
  readonly lastStages?: DeciderStages
  /**
   * Members and attributions of the first `rows` rows of `vectors` together, for {@link decide}: the same numbers, bit for bit, in less time. Undefined
   * where that fails: each is then decided by itself, and degrades by itself.
   */
  prepare?(vectors: Float32Array, rows: number): PreparedRows | undefined
  /** Verdict on the vector at `vectors[at .. at + d)`, of which `prepared` may tell. Pure; throws only on a bug. */
  decide(application: ApplicationEvent, vectors: Float32Array, at: number, degrade: DegradeStep | null, prepared?: PreparedRows): Verdict
}

export interface ProtectedAttributes {
  readonly subject: string
  readonly producer: string
  readonly eventId: string
  readonly attributes: Readonly<Record<string, string>>
  /** The event as sent: a repeat with other bytes is a conflict. */
  readonly bytes: Uint8Array
}

/** A row of the vault as its only reader, fairness statistics, sees it. `attributes` is null where the subject was erased. */
export interface VaultRow {
  /** Ascending; erasure leaves gaps. A mirror resumes from its highest + 1. */
  readonly sequence: number
  readonly subject: string
  readonly attributes: Readonly<Record<string, string>> | null
}

/** Where protected attributes live, apart from logs, states and features. */
export interface Vault {
  /** Durable before it resolves. */
  put(entry: ProtectedAttributes): Promise<'accepted' | 'duplicate' | 'conflict'>
  /** Rows from `sequence` on, at most `rowsMax`; erasures appear as rows of their own. */
  read(sequence: number, rowsMax: number): readonly VaultRow[]
  /** Destroys the subject's key and rows; what copies of the ciphertext remain anywhere cannot be read again. */
  erase(subject: string): Promise<void>
  close(): Promise<void>
}
