/** What checkpoints need of a state store and of the place they are kept in. */
import type { PartitionState, StateStore } from '../ports.ts'

/** Entity records by key; null says that there is none. */
export type RecordPage = ReadonlyMap<string, Uint8Array | null>

/** A state store whose partitions can be copied out and put back whole. */
export interface CopyableStateStore extends StateStore {
  /** Every record that is there throughout, page by page; one changed meanwhile may be met before or after its change. */
  scan(partition: number): AsyncIterable<RecordPage>
  /** Where a partition stands now; undefined where there is nothing of it. */
  position(partition: number): Promise<PartitionState | undefined>
  /**
   * Puts the pages' records in the place of all of a partition's, in one step at the end; later pages win over earlier ones. `state`, asked for once the pages
   * have come to their end, is the new position. `StaleCommit` where the partition is not, then, in the hands of its epoch. A crash before that
   * step changes nothing.
   */
  replace(partition: number, pages: AsyncIterable<RecordPage>, state: () => PartitionState): Promise<void>
}

export interface CheckpointName {
  readonly partition: number
  /** Input offset at which the copied state stood. */
  readonly offset: number
  /** Offset of the checkpoint whose records this one adds to; null where it holds all of them. */
  readonly follows: number | null
}

/** Where checkpoints are kept: shared by all processes that may own a partition. */
export interface CheckpointStore {
  /** Kept as a whole or not at all, and durable once it resolves, under the name asked for once the bytes have come to their end. */
  put(partition: number, bytes: AsyncIterable<Uint8Array>, name: () => CheckpointName): Promise<void>
  /** In no order. */
  list(partition: number): Promise<readonly CheckpointName[]>
  read(name: CheckpointName): AsyncIterable<Uint8Array>
  remove(name: CheckpointName): Promise<void>
}

/** What a checkpoint belongs to; another feature set, number of partitions or input log cannot use it. */
export interface CheckpointFacts {
  readonly partitions: number
  readonly featureSetHash: string
  readonly generation: string
}
