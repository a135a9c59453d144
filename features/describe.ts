/** The catalogue of a feature set: rows of the warehouse's `feature_dictionary`, and of `docs/features.md`. */
import type { PiiClass } from '#schemas/field.ts'
import type { CompiledFeatureSet } from './compile/compile.ts'
import type { FeatureFacts } from './feature-set.ts'
import { featuresOf } from './language/derived.ts'
import type { Definition } from './language/feature.ts'
import { numericField, textField } from './language/kinds.ts'
import type { Read } from './state/layout.ts'
import { readsOf } from './state/layout.ts'

export interface CatalogueEntry extends FeatureFacts {
  /** Place in the vector, from 0. */
  readonly position: number
  /** The most delicate privacy class of the fields it reads; `pseudonym` where it reads only that and when something happened. */
  readonly pii: PiiClass
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

/** One entry per feature, in vector order. */
export const catalogue = (set: CompiledFeatureSet): readonly CatalogueEntry[] =>
  set.features.map((facts, position) => ({ ...facts, position, pii: piiOf(set.definitions[position]!) }))

/** The catalogue as a Markdown document; `docs/features.md` holds it. */
export const featureTableMarkdown = (set: CompiledFeatureSet): string => {
  const rows = catalogue(set).map(
    ({ position, name, description, unit, pii, stateBytes }) =>
      `| ${position} | \`${name}\` | ${description} | ${unit} | ${pii} | ${stateBytes} |`,
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
    'State bytes are charged to the first feature that needs them; features with 0 share what others hold.',
    '',
    '| # | name | meaning | unit | privacy class | state bytes |',
    '|--:|---|---|---|---|--:|',
    ...rows,
    '',
    '## State',
    '',
    '| events | most held | fields | bytes |',
    '|---|--:|---|--:|',
    ...sections,
    '',
  ].join('\n')
}
