/** Rows of `gates`: one a gate of a judged bundle. */
import type { ModelTrained } from '#schemas/monitoring-events.ts'
import { NumberColumn, StringColumn } from './native-column.ts'
import { LowCardinalityColumn, NullableNumberColumn } from './native-nested.ts'
import { modelParts } from './model-parts.ts'
import type { TableRows } from './table-rows.ts'

export class GateRows implements TableRows {
  readonly table = 'gates'
  readonly columns = {
    judged_at: new NumberColumn("DateTime64(3, 'UTC')"),
    name: new LowCardinalityColumn(),
    version: new StringColumn(),
    against: new LowCardinalityColumn({ nullable: true }),
    request_id: new LowCardinalityColumn({ nullable: true }),
    gate: new LowCardinalityColumn(),
    state: new LowCardinalityColumn(),
    value: new NullableNumberColumn('Float64'),
    low: new NullableNumberColumn('Float64'),
    high: new NullableNumberColumn('Float64'),
    threshold: new NullableNumberColumn('Float64'),
    detail: new StringColumn(),
  }

  add({ modelVersion, parentVersion, requestId, trainedAt, gates }: ModelTrained): void {
    const { columns } = this
    const [name, version] = modelParts(modelVersion)
    for (const { gate, state, value, low, high, threshold, detail } of gates) {
      columns.judged_at.push(trainedAt)
      columns.name.push(name)
      columns.version.push(version)
      columns.against.push(parentVersion === null ? null : modelParts(parentVersion)[1])
      columns.request_id.push(requestId)
      columns.gate.push(gate)
      columns.state.push(state)
      columns.value.push(value)
      columns.low.push(low)
      columns.high.push(high)
      columns.threshold.push(threshold)
      columns.detail.push(detail)
    }
  }
}
