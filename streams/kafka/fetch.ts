/** One fetch: what to read from where, and what came of it for each partition, faults included. */
import { type Connection, fetchV13 } from '@platformatic/kafka'
import type { LogRecord } from '../ports.ts'
import { type AbortedTransaction, decodeBatches } from './record-batch.ts'
import { WireReader } from './wire-reader.ts'

/** Version 13 asks by topic id, so that a topic made anew is noticed; brokers know it since 3.1. */
const FETCH = 1
const VERSION = 13
/** Only records of committed transactions, for producers that use them. */
const READ_COMMITTED = 1

export interface FetchPartition {
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  /** Epoch of the record before `offset`; −1 unknown. A leader whose log parted from it says where. */
  readonly lastFetchedEpoch: number
}

export interface FetchBounds {
  readonly waitMs: number
  readonly partitionBytes: number
  readonly totalBytes: number
}

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  /** Readable up to here; −1 where the broker did not say. */
  readonly end: number
  readonly start: number
  /** Where the leader's log parted from what was read; undefined where it did not. */
  readonly divergesAt: number | undefined
  readonly records: readonly LogRecord[]
  /** Bytes that the records keep in memory. */
  readonly bytes: number
  /** Where to go on. */
  readonly next: number
  readonly leaderEpoch: number
}

/** Rejects where the request as a whole failed. */
export const fetchRecords = async (
  connection: Connection,
  topicId: string,
  asked: readonly FetchPartition[],
  { waitMs, partitionBytes, totalBytes }: FetchBounds,
): Promise<readonly FetchedPartition[]> => {
  const partitions = asked.map(({ partition, offset, leaderEpoch, lastFetchedEpoch }) => ({
    partition,
    currentLeaderEpoch: leaderEpoch,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch,
    partitionMaxBytes: partitionBytes,
  }))
  const offsets = new Map(asked.map(({ partition, offset }) => [partition, offset]))
  return new Promise((resolve, reject) => {
    connection.send<FetchedPartition[]>(
      FETCH,
      VERSION,
      () => fetchV13.createRequest(waitMs, 1, totalBytes, READ_COMMITTED, 0, -1, [{ topicId, partitions }], [], ''),
      (_correlation, _key, _version, reader) => parseResponse(reader.buffer.slice(reader.position), offsets),
      true,
      true,
      (error, fetched) => (error === null ? resolve(fetched as FetchedPartition[]) : reject(error)),
    )
  })
}

const parseResponse = (bytes: Buffer, offsets: ReadonlyMap<number, number>): FetchedPartition[] => {
  const reader = new WireReader(bytes)
  reader.int32()
  const errorCode = reader.int16()
  reader.int32()
  const out = reader
    .array(() => {
      reader.at += 16
      const partitions = reader.array(() => readPartition(reader, offsets))
      reader.tags()
      return partitions
    })
    .flat()
  if (errorCode !== 0 && out.length === 0)
    return [...offsets.keys()].map((partition) => ({ ...NOTHING, partition, errorCode, next: offsets.get(partition) as number }))
  return out
}

const NOTHING = { end: -1, start: -1, divergesAt: undefined, records: [], bytes: 0, leaderEpoch: -1 } as const

const readPartition = (reader: WireReader, offsets: ReadonlyMap<number, number>): FetchedPartition => {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStable = reader.int64()
  const start = reader.int64()
  const aborted = reader.array((): AbortedTransaction => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64() }
    reader.tags()
    return transaction
  })
  reader.int32()
  const size = Math.max(0, reader.unsignedVarint() - 1)
  const from = offsets.get(partition) as number
  const decoded =
    errorCode === 0 && size > 0
      ? decodeBatches(reader.bytes.subarray(reader.at, reader.at + size), partition, from, aborted)
      : { records: [], next: from, leaderEpoch: -1, bytes: 0 }
  reader.at += size
  let divergesAt: number | undefined
  reader.tags((tag) => {
    if (tag !== 0) return
    reader.int32()
    divergesAt = reader.int64()
  })
  const end = lastStable >= 0 ? lastStable : highWatermark
  return { partition, errorCode, end, start, divergesAt, ...decoded }
}
