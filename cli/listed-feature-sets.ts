/** The feature sets that `scorestream features` lists: the one in force, and those that a model may be trained on. */
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { CatalogueEntry } from '#features/describe.ts'
import { catalogue, featureTableMarkdown } from '#features/describe.ts'
import { linkedCatalogue } from '#features/linked/linked-catalogue.ts'
import { featureSql } from '#features/sql/feature-sql.ts'
import { linkedFeatureSql } from '#features/sql/linked-feature-sql.ts'
import { nearest } from '#schemas/nearest.ts'
import { CommandError, EXIT } from './exit.ts'

export interface ListedFeatureSet {
  readonly hash: string
  readonly stateBytes: number
  readonly entries: readonly CatalogueEntry[]
  markdown(): string
  sql(): string
}

const SETS: Readonly<Record<string, () => ListedFeatureSet>> = {
  'credit-v1': () => ({
    hash: creditFeatureSet.hash,
    stateBytes: creditFeatureSet.stateBytes,
    entries: catalogue(creditFeatureSet),
    markdown: () => featureTableMarkdown(creditFeatureSet),
    sql: () => featureSql(creditFeatureSet, { events: 'events', asks: 'asks', known: 'then' }),
  }),
  'credit-linked-v1': () => ({
    hash: creditLinkedFeatureSet.hash,
    stateBytes: creditLinkedFeatureSet.stateBytes,
    entries: linkedCatalogue(creditLinkedFeatureSet),
    markdown: () => {
      throw new CommandError('usage', '--format markdown is of credit-v1 alone; take table, sql or --json', EXIT.usage)
    },
    sql: () => linkedFeatureSql(creditLinkedFeatureSet, { events: 'events', asks: 'asks', links: 'links' }),
  }),
}

const NAMES = Object.keys(SETS)

export const listedFeatureSet = (name: string): ListedFeatureSet => {
  const found = SETS[name]
  if (found !== undefined) return found()
  const hint = nearest(name, NAMES)
  throw new CommandError('usage', `--set takes ${NAMES.join(' or ')}, got "${name}"${hint ? `; did you mean "${hint}"?` : ''}`, EXIT.usage)
}
