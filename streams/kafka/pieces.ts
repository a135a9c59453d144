/** The records of one call, split into what travels as one batch: of one partition each, in order, as large as brokers accept by default. */
import { RetryableFailure } from '../failure.ts'
import type { AppendRecord } from '../ports.ts'
import { BATCH_OVERHEAD_BYTES, recordBytesMax } from './record-batch.ts'

/** Records of a batch: below what brokers accept by default (message.max.bytes 1,048,588). */
export const BATCH_BYTES_MAX = 1_000_000

export interface Piece {
  readonly partition: number
  readonly records: AppendRecord[]
  /** Places of the records in the call. */
  readonly indices: number[]
  bytes: number
}

/** Throws, before anything is sent, where a record is too large to travel. */
export const piecesOf = (topic: string, records: readonly AppendRecord[]): readonly Piece[] => {
  const out: Piece[] = []
  const open = new Map<number, Piece>()
  for (const [index, record] of records.entries()) {
    const size = recordBytesMax(record)
    if (size + BATCH_OVERHEAD_BYTES > BATCH_BYTES_MAX)
      throw new RetryableFailure(
        'record-too-large',
        `a record for ${topic}[${record.partition}] has ${record.value.length} bytes; at most about ${BATCH_BYTES_MAX} travel. Nothing was appended.`,
      )
    let piece = open.get(record.partition)
    if (piece === undefined || piece.bytes + size > BATCH_BYTES_MAX) {
      piece = { partition: record.partition, records: [], indices: [], bytes: BATCH_OVERHEAD_BYTES }
      open.set(record.partition, piece)
      out.push(piece)
    }
    piece.records.push(record)
    piece.indices.push(index)
    piece.bytes += size
  }
  return out
}

/** Offsets of the call's records, in their order, given the first offset of each piece. */
export const offsetsOf = (pieces: readonly Piece[], bases: readonly number[]): readonly number[] => {
  const offsets: number[] = []
  for (const [i, { indices }] of pieces.entries()) for (const [j, index] of indices.entries()) offsets[index] = (bases[i] as number) + j
  return offsets
}
