/** Rows of `reconciliation`: one per partition and check. */
import type { PartitionReport } from '../reconciler/partition-walk.ts'
import { clickhouseInstant } from './facts.ts'
import type { RowWriter } from './ports.ts'

export const insertReconciliation = (inserter: RowWriter, reports: readonly PartitionReport[], nowMs: number): Promise<void> =>
  inserter.insertObjects(
    'reconciliation',
    reports.map(({ partition, applications, decided, lost, conflicting, repeated, inFlight, deadLettered, duplicates, skipped }) => ({
      checked_at: clickhouseInstant(nowMs),
      partition,
      applications,
      decided,
      lost,
      conflicting,
      repeated,
      in_flight: inFlight,
      dead_lettered: deadLettered,
      duplicates,
      skipped,
    })),
  )
