/** Rows of `dead_letters`. */
import type { DeadLetter } from '#schemas/dead-letter.ts'
import type { LogRecord } from '../ports.ts'
import { NumberColumn, StringColumn } from './native-column.ts'
import { ArrayColumn, LowCardinalityColumn, NullableNumberColumn } from './native-nested.ts'
import type { TableRows } from './table-rows.ts'

export class DeadLetterRows implements TableRows {
  readonly table = 'dead_letters'
  readonly columns = {
    received_at: new NumberColumn("DateTime64(3, 'UTC')"),
    code: new LowCardinalityColumn(),
    detail: new StringColumn(),
    source: new LowCardinalityColumn(),
    partition: new NullableNumberColumn('UInt32'),
    offset: new NullableNumberColumn('UInt64'),
    'errors.pointer': new ArrayColumn(new StringColumn()),
    'errors.value': new ArrayColumn(new StringColumn()),
    'errors.expected': new ArrayColumn(new StringColumn()),
    'errors.remedy': new ArrayColumn(new StringColumn()),
    bytes: new StringColumn(),
    log_partition: new NumberColumn('UInt32'),
    log_offset: new NumberColumn('UInt64'),
  }

  add(letter: DeadLetter, { partition, offset }: LogRecord): void {
    const { columns } = this
    columns.received_at.push(letter.receivedAt)
    columns.code.push(letter.code)
    columns.detail.push(letter.detail)
    columns.source.push(letter.source)
    columns.partition.push(letter.partition)
    columns.offset.push(letter.offset)
    for (const error of letter.errors) {
      columns['errors.pointer'].items.push(error.pointer)
      columns['errors.value'].items.push(error.value)
      columns['errors.expected'].items.push(error.expected)
      columns['errors.remedy'].items.push(error.remedy)
    }
    columns['errors.pointer'].end()
    columns['errors.value'].end()
    columns['errors.expected'].end()
    columns['errors.remedy'].end()
    columns.bytes.pushBytes(letter.bytes)
    columns.log_partition.push(partition)
    columns.log_offset.push(offset)
  }
}
