/** Byte columns that stand for features in the kernel: in one comparison of bytes each condition of the trees can be told. */
import type { Condition } from './blocks.ts'

/** A column holds the number of its thresholds below the value. */
export interface Column {
  readonly feature: number
  /** Ascending, at most 255. */
  readonly thresholds: readonly number[]
  /** Bin of a missing value. */
  readonly missingBin: number
}

export interface Binning {
  /** Column 0 is absent here: it always holds 0, and no condition is true of it. */
  readonly columns: readonly Column[]
  /** Column (counted from 1) and least bin at which a condition is true. */
  locate(condition: Condition): { readonly column: number; readonly least: number }
}

const THRESHOLDS_MAX = 255
/** A condition names its column by a byte. */
const COLUMNS_MAX = 255

/**
 * A bin for missing values that makes every condition take its missing direction, or undefined where none does: directions
 * agree with some value (all left, all right, "missing means 0") in nearly all trained models, and then one column is enough.
 */
const consistentBin = (directions: readonly { readonly least: number; readonly right: boolean }[]): number | undefined => {
  const rights = Math.max(0, ...directions.filter(({ right }) => right).map(({ least }) => least))
  return directions.some(({ least, right }) => !right && least <= rights) ? undefined : rights
}

const sortedUnique = (values: Iterable<number>): number[] => [...new Set(values)].sort((a, b) => a - b)

/** @throws Error where the conditions need more than 255 columns. */
export const binningOf = (conditions: readonly Condition[]): Binning => {
  const columns: Column[] = []
  const places = new Map<string, { column: number; least: number }>()
  const key = (c: Condition): string => `${c.feature}/${c.threshold}/${c.missingRight}`
  const add = (feature: number, thresholds: readonly number[], own: readonly Condition[], missingBin: number): void => {
    columns.push({ feature, thresholds, missingBin })
    for (const condition of own) places.set(key(condition), { column: columns.length, least: thresholds.indexOf(condition.threshold) + 1 })
  }
  for (const feature of sortedUnique(conditions.map((c) => c.feature))) {
    const own = [...new Map(conditions.filter((c) => c.feature === feature).map((c) => [key(c), c])).values()]
    const all = sortedUnique(own.map((c) => c.threshold))
    for (let from = 0; from < all.length; from += THRESHOLDS_MAX) {
      const thresholds = all.slice(from, from + THRESHOLDS_MAX)
      const here = own.filter((c) => thresholds.includes(c.threshold))
      const shared = consistentBin(here.map((c) => ({ least: thresholds.indexOf(c.threshold) + 1, right: c.missingRight })))
      if (shared !== undefined) {
        add(feature, thresholds, here, shared)
        continue
      }
      for (const right of [false, true])
        add(
          feature,
          thresholds,
          here.filter((c) => c.missingRight === right),
          right ? THRESHOLDS_MAX : 0,
        )
    }
  }
  if (columns.length > COLUMNS_MAX)
    throw new Error(
      `the trees need ${columns.length} columns of bins, more than ${COLUMNS_MAX}: fewer features or thresholds (max_bin 255) are needed`,
    )
  return { columns, locate: (condition) => places.get(key(condition))! }
}
