/** A lookup's declaration, bound to columns: rows in, one small record of folds per key out. */
import { parseExpression } from '../expression/parse.ts'
import { compile } from '../expression/compile.ts'
import type { Kept, LookupShape, Names } from '../expression/context.ts'
import { asFlag, asNumber, asText, type Scope } from '../expression/node.ts'
import { ExpressionFault } from '../expression/tokens.ts'
import { expressionFault } from '../mapping/event-fields.ts'
import type { LookupMapping, TableMapping } from '../mapping/mapping-schema.ts'
import { namesOfTable, textIn } from '../mapping/table-program.ts'
import type { Row } from '../row.ts'

/** How two parts of a group become one; `earlier` was read first. Missing on one side gives the other. */
const MERGES = {
  count: (earlier: number, later: number) => earlier + later,
  sum: (earlier: number, later: number) => earlier + later,
  min: (earlier: number, later: number) => Math.min(earlier, later),
  max: (earlier: number, later: number) => Math.max(earlier, later),
  first: (earlier: string) => earlier,
  last: (_: string, later: string) => later,
} as const

type Aggregate = keyof typeof MERGES

const aggregateOf = (source: string): Aggregate => /^=\s*([a-z]+)/.exec(source)![1] as Aggregate

/** What expressions may ask of it. */
export const shapeOf = ({ keep }: LookupMapping): LookupShape['columns'] =>
  Object.entries(keep).map(([name, source]) => ({ name, kind: ['first', 'last'].includes(aggregateOf(source)) ? 'text' : 'number' }))

export interface LookupProgram {
  /** Key and values that one row contributes; undefined where it does not count. Throws CellFault. */
  of(row: Row): { readonly key: string; readonly values: Kept } | undefined
  merge(earlier: Kept, later: Kept): Kept
}

const valueOf = (source: string, names: Names): ((scope: Scope) => number | string | null) => {
  const syntax = parseExpression(source.slice(1))
  if (syntax.kind !== 'call')
    throw new ExpressionFault(syntax.at, 'something stands around the call', 'write one call, such as =sum(COLUMN)')
  const [argument] = syntax.arguments
  const aggregate = syntax.name as Aggregate
  if (syntax.arguments.length > 1 || (argument === undefined && aggregate !== 'count'))
    throw new ExpressionFault(
      syntax.at,
      `${syntax.name} takes one argument, not ${syntax.arguments.length}`,
      `write =${syntax.name}(COLUMN)`,
    )
  if (argument === undefined) return () => 1
  const node = compile(argument, names)
  if (aggregate === 'count') {
    const flag = asFlag(node, argument.at)
    return (scope) => (flag(scope) ? 1 : 0)
  }
  if (aggregate === 'first' || aggregate === 'last') return asText(node, argument.at)
  const get = asNumber(node, argument.at)
  return (scope) => {
    const value = get(scope)
    return Number.isNaN(value) ? null : value
  }
}

/** Throws FieldFault where a name or kind is wrong. */
export const lookupProgram = (lookup: LookupMapping, table: TableMapping, names: Names): LookupProgram => {
  const own = namesOfTable(table, names)
  const key = textIn(lookup.by, own, ['by'])
  const inKeep = (name: string, source: string) => {
    try {
      return valueOf(source, own)
    } catch (error) {
      throw error instanceof ExpressionFault ? expressionFault(['keep', name], source, error) : error
    }
  }
  const values = Object.entries(lookup.keep).map(([name, source]) => inKeep(name, source))
  const merges = Object.values(lookup.keep).map(
    (source) => MERGES[aggregateOf(source)] as (earlier: unknown, later: unknown) => number | string,
  )
  const when = whenOf(lookup, own)
  const scope: Scope = { row: undefined as never, each: 0, stamp: 0 }
  return {
    of(row) {
      scope.row = row
      scope.stamp++
      if (!when(scope)) return undefined
      const found = key(scope)
      return found === null ? undefined : { key: found, values: values.map((value) => value(scope)) }
    },
    merge: (earlier, later) =>
      merges.map((merge, index) => {
        const [one, other] = [earlier[index] ?? null, later[index] ?? null]
        return one === null ? other : other === null ? one : merge(one, other)
      }),
  }
}

const whenOf = ({ when }: LookupMapping, names: Names): ((scope: Scope) => boolean) => {
  if (when === undefined) return () => true
  try {
    const syntax = parseExpression(when.slice(1))
    return asFlag(compile(syntax, names), syntax.at)
  } catch (error) {
    throw error instanceof ExpressionFault ? expressionFault(['when'], when, error) : error
  }
}
