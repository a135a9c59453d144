/** The catalogue of a feature set: rows of the warehouse's `feature_dictionary`, and of `docs/features.md`. */
import type { PiiClass } from '#schemas/field.ts'
import type { CompiledFeatureSet } from './compile/compile.ts'
import type { FeatureFacts } from './feature-set.ts'
import { featuresOf } from './language/derived.ts'
import type { AggregateDefinition, Definition } from './language/feature.ts'
import { isPaned } from './language/feature.ts'
import { numericField, textField } from './language/kinds.ts'
import type { Read } from './state/layout.ts'
import { aggregatesOf, readsOf } from './state/layout.ts'
import { hopMsOf } from './state/pane-layout.ts'

export interface CatalogueEntry extends FeatureFacts {
  /** Place in the vector, from 0. */
  readonly position: number
  /** The most delicate privacy class of the fields it reads; `pseudonym` where it reads only that and when something happened. */
  readonly pii: PiiClass
  /** Where its numbers come from: `kind.field` of past events, `kind` where only their times count, `application.field` as stated now. */
  readonly lineage: readonly string[]
  /** Features it is computed from, by name; empty where it is computed from events. */
  readonly from: readonly string[]
  /** How far the number may be from the truth, before it is rounded to float32. */
  readonly errorBound: string
  /** Most events, or hops, held for it per kind. */
  readonly memory: string
}

const PII_ORDER: readonly PiiClass[] = ['none', 'pseudonym', 'quasi', 'sensitive', 'protected']

/** Every (kind, field) behind a definition, the application's own included. */
const sourcesOf = (definition: Definition): readonly Read[] => {
  switch (definition.kind) {
    case 'stated':
      return [{ kind: definition.on, field: definition.field }]
    case 'ratio':
      return [...sourcesOf(definition.dividend), ...sourcesOf(definition.divisor)]
    case 'derived':
      return featuresOf(definition.node).flatMap(sourcesOf)
    case 'aggregate':
      return readsOf(definition)
  }
}

const piiOf = (definition: Definition): PiiClass => {
  const classes = sourcesOf(definition).map(({ kind, field }) =>
    field === null ? 'pseudonym' : (numericField(kind, field) ?? textField(kind, field)!).pii,
  )
  return PII_ORDER[Math.max(...classes.map((pii) => PII_ORDER.indexOf(pii)))]!
}

/** Each source once; the kind alone only where no field of it is read. */
const lineageOf = (definition: Definition): readonly string[] => {
  const sources = sourcesOf(definition)
  const kinds = new Set(sources.filter(({ field }) => field !== null).map(({ kind }) => kind))
  return [
    ...new Set(
      sources.flatMap(({ kind, field }) => {
        if (field !== null) return [`${kind}.${field}`]
        return kinds.has(kind) ? [] : [kind]
      }),
    ),
  ]
}

const operandsOf = (definition: Definition): readonly Definition[] => {
  if (definition.kind === 'ratio') return [definition.dividend, definition.divisor]
  return definition.kind === 'derived' ? featuresOf(definition.node) : []
}

/** Aggregates of held events that pick or count: nothing is rounded. */
const PICKS = ['count', 'min', 'max', 'first', 'last', 'nth-last', 'longest-streak', 'current-streak', 'distinct']
/** What ten thousand additions in float64 may be off, relative to the size of what is added. */
const ROUNDING = '1e-9 relative'

const aggregateBound = (definition: AggregateDefinition): string => {
  const { how, value } = definition
  if (isPaned(definition)) return how.paned!.accumulator.errorBound
  const name = how.algorithm?.name ?? how.name
  // Fields are integers: their sums are exact below 2^53.
  return PICKS.includes(name) || (name === 'sum' && value?.op === 'field') ? 'exact' : ROUNDING
}

const errorBoundOf = (definition: Definition): string => {
  if (definition.kind === 'stated') return 'exact'
  const own = definition.kind === 'aggregate' ? [] : [ROUNDING]
  return [...new Set([...own, ...aggregatesOf(definition).map(aggregateBound)])]
    .filter((bound, _, all) => all.length === 1 || bound !== 'exact')
    .join('; ')
}

const memoryOf = (definition: Definition, set: CompiledFeatureSet): string => {
  const parts = aggregatesOf(definition).map((aggregate) => {
    const { on } = aggregate
    if (!isPaned(aggregate)) return `${set.layout.sections.find(({ kind }) => kind === on)!.capacity} ${on} events`
    const section = set.layout.panes.find(({ kind, hopMs }) => kind === on && hopMs === hopMsOf(aggregate))!
    return section.hopMs === 0 ? `all ${on} events, as one partial result` : `${section.panes} hops of ${on} events`
  })
  return parts.length === 0 ? 'nothing' : [...new Set(parts)].join(', ')
}

/** One entry per feature, in vector order. */
export const catalogue = (set: CompiledFeatureSet): readonly CatalogueEntry[] =>
  set.features.map((facts, position) => {
    const definition = set.definitions[position]!
    return {
      ...facts,
      position,
      pii: piiOf(definition),
      lineage: lineageOf(definition),
      from: operandsOf(definition).map(({ name }) => name),
      errorBound: errorBoundOf(definition),
      memory: memoryOf(definition, set),
    }
  })

const partialResults = ({ layout }: CompiledFeatureSet): readonly string[] => {
  if (layout.panes.length === 0) return []
  const rows = layout.panes.map(
    ({ kind, hopMs, panes, measures, bytes }) =>
      `| ${kind} | ${hopMs === 0 ? 'ever' : `${hopMs / 3_600_000} h`} | ${panes} | ${measures.map(({ accumulator }) => accumulator.name).join(', ')} | ${bytes} |`,
  )
  return ['## Partial results', '', '| events | hop | most held | accumulators | bytes |', '|---|---|--:|---|--:|', ...rows, '']
}

/** The catalogue as a Markdown document; `docs/features.md` holds it. */
export const featureTableMarkdown = (set: CompiledFeatureSet): string => {
  const rows = catalogue(set).map(
    ({ position, name, description, unit, window, lineage, errorBound, pii, stateBytes }) =>
      `| ${position} | \`${name}\` | ${description} | ${unit} | ${window} | ${lineage.join(', ')} | ${errorBound} | ${pii} | ${stateBytes} |`,
  )
  const sections = set.layout.sections.map(
    ({ kind, capacity, bytes, columns }) =>
      `| ${kind} | ${capacity} | ${['eventTime f64', ...columns.map((column) => `${column.field} ${column.encoding}`)].join(', ')} | ${bytes} |`,
  )
  return [
    '# Features',
    '',
    `Generated from the definitions by \`featureTableMarkdown\` (\`features/describe.ts\`); a test keeps it current. ${set.size} features, ${set.stateBytes} bytes of state an applicant,`,
    `feature-set hash \`${set.hash}\`.`,
    '',
    'State bytes are charged to the first feature that needs them; features with 0 share what others hold. Error bounds are those before rounding to float32.',
    '',
    '| # | name | meaning | unit | window | from | error bound | privacy class | state bytes |',
    '|--:|---|---|---|---|---|---|---|--:|',
    ...rows,
    '',
    '## State',
    '',
    '| events | most held | fields | bytes |',
    '|---|--:|---|--:|',
    ...sections,
    '',
    ...partialResults(set),
  ].join('\n')
}
