/** Rows of `promotions`, from the topic `model-events`. */
import type { ModelPromoted } from '#schemas/monitoring-events.ts'
import { decodeModelEvent } from '#schemas/monitoring-wire.ts'
import type { LogRecord } from '../ports.ts'
import { NumberColumn, StringColumn } from './native-column.ts'
import { LowCardinalityColumn } from './native-nested.ts'
import type { Prepared, RowSink } from './row-sinks.ts'
import type { TableRows } from './table-rows.ts'

/** `name@version` → its two parts. */
const partsOf = (modelVersion: string): readonly [string, string] => {
  const at = modelVersion.indexOf('@')
  return [modelVersion.slice(0, at), modelVersion.slice(at + 1)]
}

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
    const [name, version] = partsOf(modelVersion)
    columns.promoted_at.push(promotedAt)
    columns.name.push(name)
    columns.alias.push(alias)
    columns.version.push(version)
    columns.previous_version.push(previousVersion === null ? null : partsOf(previousVersion)[1])
    columns.actor.push(actor)
    columns.reason.push(reason)
  }
}

/** Begins at the first record each time: the topic holds a few records a month, and a row told again replaces itself. */
export class PromotionSink implements RowSink {
  readonly topic = 'model-events'
  readonly consumer = 'warehouse'
  readonly #rows = new PromotionRows()
  readonly tables = [this.#rows]
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
    return event.kind === 'model-promoted' ? { month: 0, add: () => this.#rows.add(event) } : undefined
  }
}
