/** A table's mapping meets the columns of an opened file. */
import { nearest } from '#schemas/nearest.ts'
import type { LookupShape, Names } from './expression/context.ts'
import { ImportFault } from './import-fault.ts'
import { codesOf } from './mapping/check-mapping.ts'
import { isOptional, ruleOf } from './mapping/column-rules.ts'
import { FieldFault } from './mapping/event-fields.ts'
import type { Mapping, TableMapping } from './mapping/mapping-schema.ts'
import type { RowReader } from './source/row-reader.ts'

/** Midnight of the first day that relative times count from, where a mapping and the user name none. */
const ORIGIN_DEFAULT = '2018-01-01'

export const originOf = (mapping: Mapping, given?: string): number => Date.parse(given ?? mapping.origin ?? ORIGIN_DEFAULT)

export interface Bound<Program> {
  readonly program: Program
  /** Columns that the program reads. */
  readonly used: ReadonlySet<number>
}

/** Gives the reader its rules, and `make` the names; a fault names the file. */
export const bindTable = <Program>(
  reader: RowReader,
  where: { readonly mapping: Mapping; readonly table: string; readonly path: string; readonly origin: number },
  lookups: ReadonlyMap<string, LookupShape>,
  make: (names: Names, table: TableMapping) => Program,
): Bound<Program> => {
  const { mapping, path } = where
  const table = mapping.tables[where.table]!
  const indices = new Map(reader.columns.map((name, index) => [name, index]))
  const rules = reader.columns.map((name) => ruleOf(mapping, table, name))
  const used = new Set<number>()
  const names: Names = {
    column(name) {
      const index = indices.get(name)
      if (index === undefined) return isOptional(table, name) ? null : undefined
      used.add(index)
      return { index, rule: rules[index]! }
    },
    columns: reader.columns,
    lets: new Map(),
    each: undefined,
    codes: codesOf(mapping),
    lookups,
    origin: where.origin,
    minorDigits: mapping.minorUnits ?? 2,
  }
  try {
    const program = make(names, table)
    reader.rules(rules)
    reader.only(used)
    return { program, used }
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error
    throw new ImportFault(
      'file-unsuitable',
      `${path} does not fit table ${where.table} of mapping ${mapping.mapping}: ${error.path.join('.')}: ${error.expected}; ${error.remedy}`,
      error,
    )
  }
}

/** Refuses a declaration about a column that no file of the table has: mostly a misspelling. */
export const undeclared = (table: TableMapping, columns: readonly string[]): string | undefined => {
  const stray = Object.keys(table.columns ?? {}).find((name) => !columns.includes(name) && !isOptional(table, name))
  if (stray === undefined) return undefined
  const hint = nearest(stray, columns)
  return `columns.${stray} is declared, and the file has no such column${hint ? `; did you mean "${hint}"?` : '; if files may lack it, say optional: true'}`
}
