/**
 * A feature is *on × by × how × window*: the events of one kind, of one entity, aggregated, over a window. It names itself
 * `entity.kind.field.aggregate.window`. Definitions are checked when they are made; a wrong one throws a {@link DefinitionError}.
 */
import type { Aggregate } from '../aggregates/aggregate.ts'
import { DefinitionError } from './definition-error.ts'
import type { DerivedNode } from './derived.ts'
import type { ExpressionNode, NamedExpression } from './expression.ts'
import { fieldsOf, looksBack } from './expression.ts'
import type { Entity, FoldedKind, LinkedEntity, NumericField, TextField } from './kinds.ts'
import { FOLDED_KINDS, numericField, numericFieldNames, textField, textFieldNames } from './kinds.ts'
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

/** Computed from other features. */
export interface DerivedDefinition extends DefinitionFacts {
  readonly kind: 'derived'
  readonly node: DerivedNode
}

export type Definition = AggregateDefinition | StatedDefinition | RatioDefinition | DerivedDefinition

/** Whether a definition is read off partial results rather than held events. */
export const isPaned = ({ how, window }: AggregateDefinition): boolean =>
  window.kind === 'hops' || (window.kind === 'ever' && !how.windows.includes('ever'))

/** The value of the events that `where` keeps; `null` where events are looked at unconditionally. */
export const chosenValue = ({ value, where }: AggregateDefinition): ExpressionNode | null =>
  where === null ? value : { op: 'when', flag: where, value: value ?? { op: 'constant', value: 1 } }

type Subject<Kind extends FoldedKind> =
  | { readonly field: NumericField<Kind>; readonly text?: never; readonly expression?: never }
  /** A category, text or identifier, for aggregates that tell values apart. */
  | { readonly text: TextField<Kind>; readonly field?: never; readonly expression?: never }
  | { readonly expression: NamedExpression<NoInfer<Kind>>; readonly field?: never; readonly text?: never }
  | { readonly field?: never; readonly text?: never; readonly expression?: never }

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
  for (const { kind, field, reads } of fieldsOf(on, node)) {
    // Texts are looked up where expressions are made.
    if (reads === 'text') continue
    const facts = numericField(kind, field)
    if (facts === undefined)
      throw new DefinitionError(name, `${kind} has no numeric field "${field}"`, `use one of ${numericFieldNames(kind).join(', ')}`)
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

/** Partial results take one event at a time, and cannot leave the application being decided out. */
const requirePaneable = (name: string, { on, value, where }: AggregateDefinition): void => {
  if (on === 'application')
    throw new DefinitionError(name, 'an application would count itself in a partial result', 'use months, days or lastEvents')
  for (const node of [value, where])
    if (node !== null && looksBack(node))
      throw new DefinitionError(
        name,
        'a partial result knows no event before this one',
        'use a window over held events: months, days or lastEvents',
      )
}

const requireFitting = (name: string, definition: AggregateDefinition, flag: boolean): void => {
  const { how, window } = definition
  const kinds = [...how.windows, ...(how.paned === undefined ? [] : ['hops', 'ever'])]
  if (!kinds.includes(window.kind))
    throw new DefinitionError(name, `"${how.name}" has no meaning over the window "${windowLabel(window)}"`, `use ${kinds.join(' or ')}`)
  if (isPaned(definition)) requirePaneable(name, definition)
  if (how.needs === 'nothing' && definition.value !== null)
    throw new DefinitionError(name, `"${how.name}" looks at events, not at values`, 'use where to choose events, or another aggregate')
  if (how.needs !== 'nothing' && definition.value === null)
    throw new DefinitionError(name, `"${how.name}" needs a value`, 'give field or expression')
  if (how.needs !== 'any' && definition.value?.op === 'code')
    throw new DefinitionError(name, `"${how.name}" does not read texts`, 'use distinct() or topShare(), or a flag such as is(…)')
  if (how.needs === 'flag' && !flag) throw new DefinitionError(name, `"${how.name}" needs a flag`, 'give a comparison such as greater(…)')
}

/** Only applications name devices, employers and addresses; and all of an applicant's events are of one applicant. */
const requireFittingEntity = (
  name: string,
  { by, on, text }: { readonly by: Entity; readonly on: FoldedKind; readonly text?: string },
): void => {
  if (by !== 'applicant' && on !== 'application')
    throw new DefinitionError(name, `a ${on} names no ${by}`, 'use application events, or features of the applicant')
  if (by === 'applicant' && text === 'applicantId')
    throw new DefinitionError(name, 'all events of an applicant have one applicantId', 'count events, or use a linked entity')
}

const valueOf = <Kind extends FoldedKind>({ field, text, expression }: FeatureSpec<Kind>): ExpressionNode | null => {
  if (field !== undefined) return { op: 'field', field }
  if (text !== undefined) return { op: 'code', field: text }
  return expression?.node ?? null
}

/** Defines a feature over past events; `field` or `expression` give the value, `where` chooses events. */
export const feature = <const Kind extends FoldedKind>(spec: FeatureSpec<Kind>): AggregateDefinition => {
  const { on, by, how, window, where, expression } = spec
  const { field, text } = spec
  const subject = field ?? text ?? expression?.name
  const segment = [subject, where?.name].filter((part) => part !== undefined).join('-where-') || 'event'
  const name = [by, on, segment, how.name, windowLabel(window)].join('.')
  requireKinds(name, on, [expression, where])
  requireFittingEntity(name, spec)
  if (text !== undefined && textField(on, text) === undefined)
    throw new DefinitionError(name, `${on} has no text field "${text}"`, `use one of ${textFieldNames(on).join(', ')}`)
  const facts = field === undefined ? (text === undefined ? undefined : textField(on, text)) : numericField(on, field)
  const value = valueOf(spec)
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
export const stated = (spec: {
  readonly by: Exclude<Entity, LinkedEntity>
  readonly field: NumericField<'application'>
}): StatedDefinition => {
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

/** Last segment of a feature's name. */
export const windowSegment = (definition: Definition): string => definition.name.slice(definition.name.lastIndexOf('.') + 1)

/** Defines the quotient of two features under a name of its own; its window reads `3mo`, or `3mo-6mo` where the two differ. */
export const ratio = (
  field: string,
  spec: { readonly dividend: Definition; readonly divisor: Definition; readonly description: string; readonly unit?: string },
): RatioDefinition => {
  const { dividend, divisor, description, unit = 'ratio' } = spec
  const windows = [...new Set([windowSegment(dividend), windowSegment(divisor)])].join('-')
  const name = `${dividend.by}.${dividend.on}.${field}.ratio.${windows}`
  const [over, under]: readonly string[] = [dividend.by, divisor.by]
  if (over !== under) throw new DefinitionError(name, `${String(over)} is divided by ${String(under)}`, 'use two features of one entity')
  return { kind: 'ratio', name, description, unit, on: dividend.on, by: dividend.by, dividend, divisor }
}
