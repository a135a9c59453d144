/** Replay: from a Parquet file of events to a training matrix through the live fold, on one thread. */
import { asyncBufferFromFile, parquetRead } from 'hyparquet'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { Matrix } from './duckdb-peer.ts'

/** One event as the file has it. */
type Row = readonly [applicant: number, kind: string, time: Date, amount: bigint, balance: bigint, limit: bigint, status: bigint]

/** What the sixty features and the fold look at. */
const eventOf = ([applicant, kind, time, amount, balance, limit, status]: Row): CreditEvent =>
  ({
    applicantId: applicant,
    kind,
    eventTime: time.getTime(),
    amount: Number(amount),
    closingBalance: Number(balance),
    creditLimit: Number(limit),
    repaymentStatus: Number(status),
  }) as unknown as CreditEvent

/** Most rows decoded at a time: bounds memory whatever the file's size. */
const ROWS = 50_000

export const replayMatrix = async (set: CompiledFeatureSet, file: string, events: number): Promise<Matrix> => {
  const buffer = await asyncBufferFromFile(file)
  const states = new Map<string, Uint8Array>()
  const vectors = new Map<number, Float32Array>()
  for (let from = 0; from < events; from += ROWS)
    await parquetRead({
      file: buffer,
      rowStart: from,
      rowEnd: Math.min(from + ROWS, events),
      onComplete(rows) {
        for (const row of rows as unknown as Row[]) {
          const event = eventOf(row)
          let state = states.get(event.applicantId)
          if (state === undefined) states.set(event.applicantId, (state = set.emptyState()))
          set.fold(state, event)
          if (event.kind !== 'application') continue
          const vector = new Float32Array(set.size)
          set.vector(state, event, vector, 0)
          vectors.set(row[0], vector)
        }
      },
    })
  const ordered = [...vectors].toSorted(([a], [b]) => a - b)
  const values = new Float32Array(ordered.length * set.size)
  ordered.forEach(([, vector], row) => values.set(vector, row * set.size))
  return { rows: ordered.length, values }
}
