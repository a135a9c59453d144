/** Reads the tables that lookups are made of, before any row is mapped. */
import { join } from 'node:path'
import { bindTable } from '../bind-table.ts'
import type { LookupShape } from '../expression/context.ts'
import type { Mapping } from '../mapping/mapping-schema.ts'
import type { PlannedFile } from '../plan-files.ts'
import type { Reject } from '../reject-log.ts'
import { CellFault, type Row } from '../row.ts'
import { openFile } from '../source/open-file.ts'
import { type LookupProgram, lookupProgram, shapeOf } from './lookup-program.ts'
import { LookupTable } from './lookup-table.ts'

export interface Lookup extends LookupShape {
  readonly table: LookupTable
}

interface Build {
  readonly mapping: Mapping
  readonly files: readonly PlannedFile[]
  readonly folder: string
  /** Epoch milliseconds that relative times count from. */
  readonly origin: number
  readonly onReject: (reject: Reject) => void
  /** Share done, in [0, 1]. */
  readonly onProgress: (fraction: number) => void
}

const rejectOf = ({ path, table }: PlannedFile, row: Row, name: string, fault: CellFault | null): Reject => ({
  step: 'lookup',
  file: path,
  table,
  line: row.line,
  row: row.number,
  rejection: {
    kind: null,
    code: fault === null ? 'broken-record' : 'unreadable-cell',
    detail: `lookup ${name}: ${fault === null ? (row.fault?.detail ?? '') : `column ${fault.column} cannot be read`}`,
    errors:
      fault === null ? [] : [{ pointer: '', column: fault.column, value: fault.value, expected: fault.expected, remedy: fault.remedy }],
  },
})

const addRow = (program: LookupProgram, table: LookupTable, row: Row): CellFault | null => {
  try {
    const found = program.of(row)
    if (found !== undefined) table.add(found.key, found.values)
    return null
  } catch (error) {
    if (error instanceof CellFault) return error
    throw error
  }
}

/** Lookups by name. One whose table has no file finds nothing. */
export const buildLookups = async (build: Build): Promise<ReadonlyMap<string, Lookup>> => {
  const { mapping, files, folder, origin, onReject, onProgress } = build
  const lookups = new Map<string, Lookup>()
  const declared = Object.entries(mapping.lookups ?? {})
  for (const [index, [name, lookup]] of declared.entries()) {
    // The rows of a table that makes events are told of where those are made.
    const silent = (mapping.tables[lookup.from]?.events ?? []).length > 0
    let table: LookupTable | undefined
    const own = files.filter((file) => file.table === lookup.from)
    for (const [at, file] of own.entries()) {
      const reader = await openFile(file.path, mapping.tables[file.table]!.format)
      try {
        const where = { mapping, table: file.table, path: file.path, origin }
        const { program } = bindTable(reader, where, lookups, (names, one) => lookupProgram(lookup, one, names))
        const into = (table ??= new LookupTable(join(folder, `lookup-${index}`), (earlier, later) => program.merge(earlier, later)))
        while (await reader.load()) {
          for (let row = reader.next(); row !== undefined; row = reader.next()) {
            const fault = row.fault === null ? addRow(program, into, row) : null
            if (fault !== null || (row.fault !== null && !silent)) onReject(rejectOf(file, row, name, fault))
          }
          onProgress((index + (at + reader.progress()) / own.length) / declared.length)
        }
      } finally {
        await reader.close()
      }
    }
    const built = table ?? new LookupTable(join(folder, `lookup-${index}`), (earlier) => earlier)
    built.finish()
    lookups.set(name, { columns: shapeOf(lookup), find: (key) => built.find(key), table: built })
  }
  return lookups
}
