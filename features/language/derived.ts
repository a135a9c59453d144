/** Expressions over other features: transforms of a vector's numbers. An operand that is missing makes the result missing, except where said. */
import { MEAN_MONTH_MS, DAY_MS } from './calendar.ts'
import { DefinitionError } from './definition-error.ts'
import type { Definition, DerivedDefinition } from './feature.ts'
import { windowSegment } from './feature.ts'

export type DerivedBinary = 'add' | 'subtract' | 'multiply' | 'divide' | 'least' | 'greatest' | 'otherwise'
export type DerivedUnary = 'absolute' | 'root' | 'is-missing'

export type DerivedNode =
  | { readonly op: 'feature'; readonly of: Definition }
  | { readonly op: 'constant'; readonly value: number }
  | { readonly op: DerivedBinary; readonly left: DerivedNode; readonly right: DerivedNode }
  | { readonly op: DerivedUnary; readonly of: DerivedNode }

type Operand = DerivedNode | Definition | number

const nodeOf = (operand: Operand): DerivedNode => {
  if (typeof operand === 'number') return { op: 'constant', value: operand }
  return 'op' in operand ? operand : { op: 'feature', of: operand }
}

const binary =
  (op: DerivedBinary) =>
  (left: Operand, right: Operand): DerivedNode => ({ op, left: nodeOf(left), right: nodeOf(right) })

const unary =
  (op: DerivedUnary) =>
  (of: Operand): DerivedNode => ({ op, of: nodeOf(of) })

export const plus = binary('add')
export const minus = binary('subtract')
export const times = binary('multiply')
/** Missing where the divisor is 0. */
export const over = binary('divide')
export const least = binary('least')
export const greatest = binary('greatest')
/** The second where the first is missing. */
export const otherwise = binary('otherwise')
export const absolute = unary('absolute')
/** Square root; missing below 0. */
export const root = unary('root')
/** 1 where missing, else 0. */
export const isMissing = unary('is-missing')
/** Brought into [low, high]. */
export const clip = (of: Operand, low: number, high: number): DerivedNode => least(greatest(of, low), high)

/** The features an expression is made of, from left to right. */
export const featuresOf = (node: DerivedNode): readonly Definition[] => {
  switch (node.op) {
    case 'feature':
      return [node.of]
    case 'constant':
      return []
    case 'absolute':
    case 'root':
    case 'is-missing':
      return featuresOf(node.of)
    default:
      return [...featuresOf(node.left), ...featuresOf(node.right)]
  }
}

interface DerivedFacts {
  readonly description: string
  readonly unit?: string
}

/** Defines a feature computed from others, under a name of its own; its window names all of theirs. */
export const derive = (field: string, node: DerivedNode, { description, unit = 'ratio' }: DerivedFacts): DerivedDefinition => {
  const operands = featuresOf(node)
  const [leader] = operands
  if (leader === undefined) throw new DefinitionError(field, 'is computed from no feature', 'use at least one')
  const windows = [...new Set(operands.map(windowSegment))].join('-')
  const name = `${leader.by}.${leader.on}.${field}.derived.${windows}`
  const stranger = operands.find(({ by }: { readonly by: string }) => by !== leader.by)
  if (stranger !== undefined) throw new DefinitionError(name, `"${stranger.name}" is not of the ${leader.by}`, 'use features of one entity')
  return { kind: 'derived', name, description, unit, on: leader.on, by: leader.by, node }
}

/** Mean length in days of what a feature looks back on. */
const windowDays = (name: string, definition: Definition): number => {
  const window = definition.kind === 'aggregate' ? definition.window : undefined
  switch (window?.kind) {
    case 'months':
      return (window.months * MEAN_MONTH_MS) / DAY_MS
    case 'span':
      return window.spanMs / DAY_MS
    case 'hops':
      return (window.hopMs * window.hops) / DAY_MS
    default:
      throw new DefinitionError(name, `"${definition.name}" has no length in days`, 'use a count or sum over months, days, hours or hops')
  }
}

/** How fast things go now against the applicant's own baseline: recent per day / baseline per day; missing where the baseline is 0. */
export const velocity = (
  field: string,
  spec: { readonly recent: Definition; readonly baseline: Definition; readonly description: string },
): DerivedDefinition => {
  const { recent, baseline, description } = spec
  const scale = windowDays(field, baseline) / windowDays(field, recent)
  return derive(field, times(over(recent, baseline), scale), { description, unit: 'times the baseline' })
}

/** Deviation of `value` from its history in the history's standard deviations; missing where the history does not vary. */
export const zScore = (
  field: string,
  spec: { readonly value: Definition; readonly mean: Definition; readonly std: Definition; readonly description: string },
): DerivedDefinition =>
  derive(field, over(minus(spec.value, spec.mean), spec.std), { description: spec.description, unit: 'standard deviations' })
