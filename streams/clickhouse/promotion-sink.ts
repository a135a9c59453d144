/** Rows of `promotions` and `gates`, from the topic `model-events`. */
import type { ModelPromoted } from '#schemas/monitoring-events.ts'
import { decodeModelEvent } from '#schemas/monitoring-wire.ts'
import type { LogRecord } from '../ports.ts'
import { GateRows } from './gate-rows.ts'
import { modelParts } from './model-parts.ts'
import { NumberColumn, StringColumn } from './native-column.ts'
import { LowCardinalityColumn } from './native-nested.ts'
import type { Prepared, RowSink } from './row-sinks.ts'
import type { TableRows } from './table-rows.ts'

class PromotionRows implements TableRows {
  readonly table = 'promotions'
  readonly columns = {
    promoted_at: new NumberColumn("DateTime64(3, 'UTC')"),
    name: new LowCardinalityColumn(),
    alias: new LowCardinalityColumn(),
    version: new StringColumn(),
    previous_version: new LowCardinalityColumn({ nullable: true }),
    actor: new StringColumn(),
    reason: new StringColumn(),
  }

  add({ modelVersion, previousVersion, alias, promotedAt, actor, reason }: ModelPromoted): void {
    const { columns } = this
    const [name, version] = modelParts(modelVersion)
    columns.promoted_at.push(promotedAt)
    columns.name.push(name)
    columns.alias.push(alias)
    columns.version.push(version)
    columns.previous_version.push(previousVersion === null ? null : modelParts(previousVersion)[1])
    columns.actor.push(actor)
    columns.reason.push(reason)
  }
}

/** Begins at the first record each time: the topic holds a few records a month, and a row told again replaces itself. */
export class PromotionSink implements RowSink {
  readonly topic = 'model-events'
  readonly consumer = 'warehouse'
  readonly #promotions = new PromotionRows()
  readonly #gates = new GateRows()
  readonly tables = [this.#gates, this.#promotions]
  rejected = 0

  resume(): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map())
  }

  prepare(record: LogRecord): Prepared | undefined {
    const parsed = decodeModelEvent(record.value)
    if (parsed.kind === 'rejected') {
      this.rejected += 1
      return undefined
    }
    const event = parsed.value
    if (event.kind === 'model-promoted') return { month: 0, add: () => this.#promotions.add(event) }
    return event.kind === 'model-trained' ? { month: 0, add: () => this.#gates.add(event) } : undefined
  }
}
