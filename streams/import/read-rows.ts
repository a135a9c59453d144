/** Every row of one file to events. */
import { bindTable, undeclared } from './bind-table.ts'
import type { LookupShape } from './expression/context.ts'
import { ImportFault } from './import-fault.ts'
import type { TableCounts } from './import-state.ts'
import type { Mapping } from './mapping/mapping-schema.ts'
import type { EventLines } from './mapping/event-lines.ts'
import type { Literals } from './mapping/literals.ts'
import { type RowOutcome, tableProgram } from './mapping/table-program.ts'
import type { PlannedFile } from './plan-files.ts'
import type { Reject } from './reject-log.ts'
import { openFile, stemOf } from './source/open-file.ts'
import type { ReaderPosition } from './source/row-reader.ts'

export interface ReadRows {
  readonly mapping: Mapping
  readonly file: PlannedFile
  readonly from: ReaderPosition
  /** Epoch milliseconds that relative times count from. */
  readonly origin: number
  readonly withProtected: boolean
  readonly lookups: ReadonlyMap<string, LookupShape>
  /** Counted up. */
  readonly counts: TableCounts
  /** Of the whole import. */
  readonly literals: Literals
  /** The events of one row; overwritten by the next. */
  readonly onEvents: (lines: EventLines) => void
  readonly onReject: (reject: Reject) => void
  /** After each row; `position` is where reading would go on. */
  readonly afterRow: (position: () => ReaderPosition) => void
  /** Now and then, share of the file in [0, 1]. */
  readonly onProgress: (fraction: number) => void
}

export const readRows = async (options: ReadRows): Promise<void> => {
  const { mapping, file, counts, onEvents, onReject, afterRow, onProgress } = options
  const table = mapping.tables[file.table]!
  const reader = await openFile(file.path, table.format, options.from)
  try {
    const stray = undeclared(table, reader.columns)
    if (stray !== undefined)
      throw new ImportFault('file-unsuitable', `${file.path} does not fit table ${file.table} of mapping ${mapping.mapping}: ${stray}`)
    const facts = {
      producer: mapping.producer,
      fileName: stemOf(file.path),
      withProtected: options.withProtected,
      literals: options.literals,
    }
    const where = { mapping, table: file.table, path: file.path, origin: options.origin }
    const { program } = bindTable(reader, where, options.lookups, (names, one) => tableProgram(file.table, one, names, facts))
    const position = (): ReaderPosition => reader.position()
    const tell = (outcome: RowOutcome, line: number, row: number): void => {
      counts.rows++
      if (outcome.kind === 'passed-over') counts.passedOver++
      else if (outcome.kind === 'rejected') {
        counts.rejected++
        onReject({ step: 'row', file: file.path, table: file.table, line, row, rejection: outcome.rejection })
      } else {
        counts.events += outcome.events.count
        onEvents(outcome.events)
      }
    }
    while (await reader.load()) {
      for (let row = reader.next(); row !== undefined; row = reader.next()) {
        tell(program.map(row), row.line, row.number)
        afterRow(position)
      }
      onProgress(reader.progress())
    }
  } finally {
    await reader.close()
  }
}
