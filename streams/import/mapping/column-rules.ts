/** What a mapping says of a column: texts that mean missing, and whether it may be shown. */
import type { ColumnRule } from '../row.ts'
import type { Mapping, TableMapping } from './mapping-schema.ts'

const numberOrNone = (text: string): number[] => (text.trim() !== '' && Number.isFinite(Number(text)) ? [Number(text)] : [])

/** Lists add up: the mapping's, the table's, the column's. */
export const ruleOf = (mapping: Pick<Mapping, 'missing'>, table: TableMapping, name: string): ColumnRule => {
  const own = table.columns !== undefined && Object.hasOwn(table.columns, name) ? table.columns[name] : undefined
  const missing = [...(mapping.missing ?? []), ...(table.missing ?? []), ...(own?.missing ?? [])]
  return {
    name,
    missing: new Set(missing),
    missingNumbers: missing.flatMap(numberOrNone),
    personal: own?.personal ?? false,
  }
}

export const isOptional = (table: TableMapping, name: string): boolean =>
  table.columns !== undefined && Object.hasOwn(table.columns, name) && table.columns[name]?.optional === true
