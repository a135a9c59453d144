/** Rows of one table under construction, in columns. */
import type { NativeColumn } from './native-column.ts'
import { blockBytes, nativeBlock } from './native-nested.ts'

/** A table's columns; adding a row pushes exactly one value to each. */
export interface TableRows {
  readonly table: string
  readonly columns: Readonly<Record<string, NativeColumn>>
}

export const rowsIn = ({ columns }: TableRows): number => Object.values(columns)[0]?.rows ?? 0
export const bytesIn = ({ columns }: TableRows): number => blockBytes(columns)
export const encodeRows = ({ columns }: TableRows): Buffer[] => nativeBlock(columns)
export const clearRows = ({ columns }: TableRows): void => {
  for (const column of Object.values(columns)) column.clear()
}

/** Years times 12 plus months, UTC: the monthly partition an instant falls into. */
export const monthOf = (epochMs: number): number => {
  const date = new Date(epochMs)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}
