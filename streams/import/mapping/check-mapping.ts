/** What a mapping's schema cannot say: names that lead somewhere, expressions that compile, fields that fit. Without any file at hand. */
import { nearest } from '#schemas/nearest.ts'
import type { LookupShape, Names } from '../expression/context.ts'
import { lookupProgram, shapeOf } from '../lookup/lookup-program.ts'
import { ruleOf } from './column-rules.ts'
import { FieldFault } from './event-fields.ts'
import type { Mapping, TableMapping } from './mapping-schema.ts'
import type { MappingFault } from './read-mapping.ts'
import { Literals } from './literals.ts'
import { tableProgram } from './table-program.ts'

/** Names of a table, any column name taken for one. */
const anyColumns = (mapping: Mapping, table: TableMapping, lookups: ReadonlyMap<string, LookupShape>): Names => ({
  column: (name) => ({ index: 0, rule: ruleOf(mapping, table, name) }),
  columns: [],
  lets: new Map(),
  each: undefined,
  codes: codesOf(mapping),
  lookups,
  origin: 0,
  minorDigits: mapping.minorUnits ?? 2,
})

export const codesOf = ({ codes = {} }: Mapping): ReadonlyMap<string, ReadonlyMap<string, string>> =>
  new Map(Object.entries(codes).map(([name, list]) => [name, new Map(Object.entries(list))]))

const caught = (path: readonly string[], work: () => void): MappingFault[] => {
  try {
    work()
    return []
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error
    const { value, expected, remedy } = error
    return [{ path: [...path, ...error.path.map((part) => (/^\d+$/.test(part) ? Number(part) : part))], value, expected, remedy }]
  }
}

const noTable = (path: readonly string[], name: string, mapping: Mapping): MappingFault => {
  const hint = nearest(name, Object.keys(mapping.tables))
  return {
    path,
    value: JSON.stringify(name),
    expected: 'a table of this mapping',
    remedy: hint ? `did you mean "${hint}"?` : `its tables are ${Object.keys(mapping.tables).join(', ')}`,
  }
}

export const checkMapping = (mapping: Mapping): readonly MappingFault[] => {
  const faults: MappingFault[] = []
  const lookups = new Map<string, LookupShape>()
  for (const [name, lookup] of Object.entries(mapping.lookups ?? {})) {
    const table = Object.hasOwn(mapping.tables, lookup.from) ? mapping.tables[lookup.from] : undefined
    if (table === undefined) faults.push(noTable(['lookups', name, 'from'], lookup.from, mapping))
    else {
      const names = anyColumns(mapping, table, new Map(lookups))
      faults.push(...caught(['lookups', name], () => void lookupProgram(lookup, table, names)))
      lookups.set(name, { columns: shapeOf(lookup), find: () => undefined })
    }
  }
  for (const [name, table] of Object.entries(mapping.tables)) {
    const { compareWith } = table
    if (compareWith !== undefined && !Object.hasOwn(mapping.tables, compareWith))
      faults.push(noTable(['tables', name, 'compareWith'], compareWith, mapping))
    const facts = { producer: mapping.producer, fileName: name, withProtected: true, literals: new Literals() }
    faults.push(...caught(['tables', name], () => void tableProgram(name, table, anyColumns(mapping, table, lookups), facts)))
  }
  return faults
}
