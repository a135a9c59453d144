/** Feature sets as people and bundles name them, and what is said where this release has none of that name or hash. */
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { featureTableMarkdown } from '#features/describe.ts'
import { FEATURE_SETS, featureSetOfHash, type NamedFeatureSet } from '#features/sets.ts'
import { featureSql } from '#features/sql/feature-sql.ts'
import { linkedFeatureSql } from '#features/sql/linked-feature-sql.ts'
import { resolve } from '#registry/resolve.ts'
import { nearest } from '#schemas/nearest.ts'
import { CommandError, EXIT } from './exit.ts'

const NAMES = FEATURE_SETS.map(({ name }) => name)

/** @throws `usage` that names `option`. */
export const featureSetNamed = (given: string, option: string): NamedFeatureSet => {
  const found = FEATURE_SETS.find(({ name }) => name === given)
  if (found !== undefined) return found
  const hint = nearest(given, NAMES)
  throw new CommandError(
    'usage',
    `${option} takes ${NAMES.join(' or ')}, got "${given}"${hint ? `; did you mean "${hint}"?` : ''}`,
    EXIT.usage,
  )
}

/** @throws `feature-set-unknown` that names `whose` set it is. */
export const requireFeatureSet = (hash: string, whose: string): NamedFeatureSet => {
  const found = featureSetOfHash(hash)
  if (found !== undefined) return found
  const known = FEATURE_SETS.map(({ name, set }) => `${name} (${set.hash.slice(0, 12)})`).join(', ')
  throw new CommandError(
    'feature-set-unknown',
    `${whose} is of feature set ${hash.slice(0, 12)}, this release has ${known}. Run the release that has it, or train on one of these with scorestream train --features.`,
    EXIT.badData,
  )
}

/** The set that a bundle, name@alias or name@version, was trained on. */
export const featureSetOfBundle = (modelsDir: string, reference: string): NamedFeatureSet => {
  const { name, version, manifest } = resolve(modelsDir, reference)
  return requireFeatureSet(manifest.featureSetHash, `bundle ${name}@${version}`)
}

/** As one ClickHouse statement: the independent oracle. */
export const sqlOf = ({ set }: NamedFeatureSet): string =>
  set === creditLinkedFeatureSet
    ? linkedFeatureSql(creditLinkedFeatureSet, { events: 'events', asks: 'asks', links: 'links' })
    : featureSql(creditFeatureSet, { events: 'events', asks: 'asks', known: 'then' })

/** As `docs/features.md`. */
export const markdownOf = ({ set }: NamedFeatureSet): string => {
  if (set === creditFeatureSet) return featureTableMarkdown(creditFeatureSet)
  throw new CommandError('usage', '--format markdown is of credit-v1 alone; take table, sql or --json', EXIT.usage)
}
