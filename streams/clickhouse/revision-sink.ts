/** Rows of `revisions`, from the topic of that name. */
import { decisionId } from '#schemas/decision.ts'
import { flips, type Revision } from '#schemas/revision.ts'
import { decodeRevision } from '#schemas/revision-wire.ts'
import type { LogRecord } from '../ports.ts'
import { NumberColumn, StringColumn } from './native-column.ts'
import { ArrayColumn, LowCardinalityColumn, NullableNumberColumn } from './native-nested.ts'
import type { SqlConnection } from './ports.ts'
import type { Prepared, RowSink } from './row-sinks.ts'
import type { TableRows } from './table-rows.ts'

const columnsOf = () => ({
  decision_id: new StringColumn(),
  partition: new NumberColumn('UInt32'),
  offset: new NumberColumn('UInt64'),
  revised_at: new NumberColumn("DateTime64(3, 'UTC')"),
  cause_partition: new NumberColumn('UInt32'),
  cause_offset: new NumberColumn('UInt64'),
  cause_event_id: new StringColumn(),
  cause_kind: new LowCardinalityColumn(),
  application_id: new StringColumn(),
  applicant_id: new StringColumn(),
  model_version: new LowCardinalityColumn(),
  policy_version: new LowCardinalityColumn(),
  feature_set_hash: new LowCardinalityColumn(),
  decision: new LowCardinalityColumn(),
  revised_decision: new LowCardinalityColumn(),
  probability: new NumberColumn('Float64'),
  revised_probability: new NumberColumn('Float64'),
  flips: new NullableNumberColumn('Bool'),
  changed: new ArrayColumn(new LowCardinalityColumn()),
  old_values: new ArrayColumn(new NumberColumn('Float32')),
  new_values: new ArrayColumn(new NumberColumn('Float32')),
  log_partition: new NumberColumn('UInt32'),
  log_offset: new NumberColumn('UInt64'),
})

class RevisionRows implements TableRows {
  readonly table = 'revisions'
  readonly columns = columnsOf()

  add(revision: Revision, { partition, offset }: LogRecord): void {
    const { columns } = this
    const flipped = flips(revision)
    columns.decision_id.push(decisionId(revision.partition, revision.offset))
    columns.partition.push(revision.partition)
    columns.offset.push(revision.offset)
    columns.revised_at.push(revision.revisedAt)
    columns.cause_partition.push(revision.partition)
    columns.cause_offset.push(revision.causeOffset)
    columns.cause_event_id.push(revision.causeEventId)
    columns.cause_kind.push(revision.causeKind)
    columns.application_id.push(revision.applicationId)
    columns.applicant_id.push(revision.applicantId)
    columns.model_version.push(revision.modelVersion)
    columns.policy_version.push(revision.policyVersion)
    columns.feature_set_hash.push(revision.featureSetHash)
    columns.decision.push(revision.decision)
    columns.revised_decision.push(revision.revisedDecision ?? '')
    columns.probability.push(revision.probability)
    columns.revised_probability.push(revision.revisedProbability ?? Number.NaN)
    columns.flips.push(flipped === null ? null : Number(flipped))
    for (const change of revision.changes) {
      columns.changed.items.push(change.feature)
      columns.old_values.items.push(change.old ?? Number.NaN)
      columns.new_values.items.push(change.new ?? Number.NaN)
    }
    columns.changed.end()
    columns.old_values.end()
    columns.new_values.end()
    columns.log_partition.push(partition)
    columns.log_offset.push(offset)
  }
}

export class RevisionSink implements RowSink {
  readonly topic = 'revisions'
  readonly consumer = 'warehouse'
  readonly #rows = new RevisionRows()
  readonly tables = [this.#rows]
  rejected = 0

  async resume(connection: SqlConnection, database: string): Promise<ReadonlyMap<number, number>> {
    const rows = await connection.rows<{ partition: number; next: number }>(
      `SELECT log_partition AS partition, max(log_offset) + 1 AS next FROM ${database}.revisions GROUP BY log_partition`,
    )
    return new Map(rows.map(({ partition, next }) => [partition, next]))
  }

  prepare(record: LogRecord): Prepared | undefined {
    const parsed = decodeRevision(record.value)
    if (parsed.kind === 'rejected') {
      this.rejected += 1
      return undefined
    }
    const revision = parsed.value
    return { month: revision.revisedAt, add: () => this.#rows.add(revision, record) }
  }
}
