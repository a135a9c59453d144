/** What the names in a table's expressions stand for. */
import type { ColumnRule } from '../row.ts'
import type { Node, Scope } from './node.ts'

/** A group's kept values, as {@link LookupShape.columns} orders them; null = missing. */
export type Kept = readonly (number | string | null)[]

export interface LookupShape {
  readonly columns: readonly { readonly name: string; readonly kind: 'number' | 'text' }[]
  /** Undefined where nothing was kept under the key. */
  find(key: string): Kept | undefined
}

export interface Names {
  /** Number and rule of a column; undefined where there is none of that name. `null` stands for a column that is optional and absent. */
  column(name: string): { readonly index: number; readonly rule: ColumnRule } | null | undefined
  /** For messages. */
  readonly columns: readonly string[]
  /** What `let` calls by this name, and the variable of `each`. */
  readonly lets: ReadonlyMap<string, Node>
  readonly each: string | undefined
  readonly codes: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly lookups: ReadonlyMap<string, LookupShape>
  /** Instant that relative times count from, epoch milliseconds. */
  readonly origin: number
  /** Decimal digits of the currency's minor unit. */
  readonly minorDigits: number
}

/** Evaluates a named part once a row and turn, however often it is used. */
export const once = (node: Node): Node => {
  if (node.kind === 'cell' || node.kind === 'flag') return node
  const memo = { stamp: -1, value: null as number | string | null }
  const { get } = node as { get: (scope: Scope) => number | string | null }
  const remembered = (scope: Scope): number | string | null => {
    if (memo.stamp !== scope.stamp) {
      memo.value = get(scope)
      memo.stamp = scope.stamp
    }
    return memo.value
  }
  return { ...node, get: remembered } as Node
}
