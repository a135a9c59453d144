/**
 * A feature is *on × by × how × window*: the events of one kind, of one entity, aggregated, over a window. It names itself
 * `entity.kind.field.aggregate.window`. Definitions are checked when they are made; a wrong one throws a {@link DefinitionError}.
 */
import type { Aggregate } from '../aggregates/aggregate.ts'
import { DefinitionError } from './definition-error.ts'
import type { ExpressionNode, NamedExpression } from './expression.ts'
import { fieldsOf } from './expression.ts'
import type { Entity, FoldedKind, NumericField } from './kinds.ts'
import { FOLDED_KINDS, numericField, numericFieldNames } from './kinds.ts'
import type { Window } from './window.ts'
import { windowLabel, windowPhrase } from './window.ts'

interface DefinitionFacts {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly on: FoldedKind
  readonly by: Entity
}

/** An aggregate of the past events of a window. */
export interface AggregateDefinition extends DefinitionFacts {
  readonly kind: 'aggregate'
  /** `null` where the aggregate looks at events alone. */
  readonly value: ExpressionNode | null
  readonly where: ExpressionNode | null
  readonly how: Aggregate
  readonly window: Window
}

/** A number the application being decided states itself. */
export interface StatedDefinition extends DefinitionFacts {
  readonly kind: 'stated'
  readonly field: string
}

/** One feature divided by another; missing where either is, and where the divisor is not positive: a share of a debt below 0 means nothing. */
export interface RatioDefinition extends DefinitionFacts {
  readonly kind: 'ratio'
  readonly dividend: Definition
  readonly divisor: Definition
}

export type Definition = AggregateDefinition | StatedDefinition | RatioDefinition

type Subject<Kind extends FoldedKind> =
  | { readonly field: NumericField<Kind>; readonly expression?: never }
  | { readonly expression: NamedExpression<NoInfer<Kind>>; readonly field?: never }
  | { readonly field?: never; readonly expression?: never }

export type FeatureSpec<Kind extends FoldedKind> = {
  readonly on: Kind
  readonly by: Entity
  /** Keeps only the events for which this flag holds. */
  readonly where?: NamedExpression<NoInfer<Kind>>
  readonly how: Aggregate
  readonly window: Window
} & Subject<Kind>

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** The schema's description up to its first semicolon, as a noun phrase. */
const fieldPhrase = (description: string): string => lowerFirst(description.split(/[;:]/)[0]!.trim())

const requireFields = (name: string, on: FoldedKind, node: ExpressionNode): void => {
  for (const { kind, field } of fieldsOf(on, node)) {
    const facts = numericField(kind, field)
    if (facts === undefined)
      throw new DefinitionError(name, `${kind} has no numeric field "${field}"`, `use one of ${numericFieldNames(kind).join(', ')}`)
    if (facts.optional) throw new DefinitionError(name, `${kind}.${field} is optional`, 'state holds required fields only')
    if (facts.pii === 'protected') throw new DefinitionError(name, `${kind}.${field} is a protected attribute`, 'leave it out')
  }
}

const requireKinds = (name: string, on: FoldedKind, expressions: readonly (NamedExpression<FoldedKind> | undefined)[]): void => {
  if (!FOLDED_KINDS.includes(on))
    throw new DefinitionError(name, `"${on}" events bear on no decision`, `use one of ${FOLDED_KINDS.join(', ')}`)
  for (const expression of expressions)
    if (expression !== undefined && expression.on !== on)
      throw new DefinitionError(name, `"${expression.name}" is of ${expression.on} events`, `use an expression over ${on} events`)
}

const requireFitting = (name: string, definition: AggregateDefinition, flag: boolean): void => {
  const { how, window } = definition
  if (!how.windows.includes(window.kind))
    throw new DefinitionError(
      name,
      `"${how.name}" has no meaning over the window "${windowLabel(window)}"`,
      `use ${how.windows.join(' or ')}`,
    )
  if (how.needs === 'nothing' && definition.value !== null)
    throw new DefinitionError(name, `"${how.name}" looks at events, not at values`, 'use where to choose events, or another aggregate')
  if (how.needs !== 'nothing' && definition.value === null)
    throw new DefinitionError(name, `"${how.name}" needs a value`, 'give field or expression')
  if (how.needs === 'flag' && !flag) throw new DefinitionError(name, `"${how.name}" needs a flag`, 'give a comparison such as greater(…)')
}

/** Defines a feature over past events; `field` or `expression` give the value, `where` chooses events. */
export const feature = <const Kind extends FoldedKind>(spec: FeatureSpec<Kind>): AggregateDefinition => {
  const { on, by, how, window, where, expression } = spec
  const field = spec.field
  const subject = field ?? expression?.name
  const segment = [subject, where?.name].filter((part) => part !== undefined).join('-where-') || 'event'
  const name = [by, on, segment, how.name, windowLabel(window)].join('.')
  requireKinds(name, on, [expression, where])
  const facts = field === undefined ? undefined : numericField(on, field)
  const value: ExpressionNode | null = field === undefined ? (expression?.node ?? null) : { op: 'field', field }
  const phrase = expression?.phrase ?? where?.phrase ?? (facts === undefined ? `${on} events` : fieldPhrase(facts.description))
  const condition = where === undefined || expression === undefined ? '' : ` of ${where.phrase}`
  const lead = how.name === 'mean' && expression?.flag ? 'share of' : how.phrase
  const span = window.kind === 'ever' ? '' : `, ${windowPhrase(window)}`
  const definition: AggregateDefinition = {
    kind: 'aggregate',
    name,
    description: `${lead.charAt(0).toUpperCase()}${lead.slice(1)} ${phrase}${condition}${span}`,
    unit: how.unit(expression?.unit ?? facts?.unit ?? 'events'),
    on,
    by,
    value,
    where: where?.node ?? null,
    how,
    window,
  }
  if (value !== null) requireFields(name, on, value)
  if (where !== undefined) requireFields(name, on, where.node)
  if (where !== undefined && !where.flag)
    throw new DefinitionError(name, `where "${where.name}" is not a flag`, 'give a comparison such as greater(…)')
  requireFitting(name, definition, expression?.flag ?? false)
  return definition
}

/** Defines a number that the application being decided states itself; missing where it does not. */
export const stated = (spec: { readonly by: Entity; readonly field: NumericField<'application'> }): StatedDefinition => {
  const field: string = spec.field
  const name = `${spec.by}.application.${field}.stated.now`
  const facts = numericField('application', field)
  if (facts === undefined)
    throw new DefinitionError(
      name,
      `application has no numeric field "${field}"`,
      `use one of ${numericFieldNames('application').join(', ')}`,
    )
  if (facts.pii === 'protected') throw new DefinitionError(name, `application.${field} is a protected attribute`, 'leave it out')
  return { kind: 'stated', name, description: facts.description, unit: facts.unit, on: 'application', by: spec.by, field }
}

const windowOf = (definition: Definition): string => definition.name.slice(definition.name.lastIndexOf('.') + 1)

/** Defines the quotient of two features under a name of its own; its window reads `3mo`, or `3mo-6mo` where the two differ. */
export const ratio = (
  field: string,
  spec: { readonly dividend: Definition; readonly divisor: Definition; readonly description: string; readonly unit?: string },
): RatioDefinition => {
  const { dividend, divisor, description, unit = 'ratio' } = spec
  const windows = [...new Set([windowOf(dividend), windowOf(divisor)])].join('-')
  const name = `${dividend.by}.${dividend.on}.${field}.ratio.${windows}`
  const [over, under]: readonly string[] = [dividend.by, divisor.by]
  if (over !== under) throw new DefinitionError(name, `${String(over)} is divided by ${String(under)}`, 'use two features of one entity')
  return { kind: 'ratio', name, description, unit, on: dividend.on, by: dividend.by, dividend, divisor }
}
