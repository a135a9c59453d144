/** Definitions of linked entities: `of('device').feature({ on: 'application', how: count(), window: days(30) })`. */
import { feature } from '../language/feature.ts'
import type { AggregateDefinition, FeatureSpec } from '../language/feature.ts'
import type { LinkedEntity } from '../language/kinds.ts'

type LinkedSpec = FeatureSpec<'application'> extends infer Spec ? (Spec extends unknown ? Omit<Spec, 'by'> : never) : never

interface LinkedLanguage {
  /** Over the applications, of all applicants, that name this entity and lie strictly before the one being decided. */
  feature(spec: LinkedSpec): AggregateDefinition
}

export const of = (entity: LinkedEntity): LinkedLanguage => ({
  feature: (spec) => feature({ ...spec, by: entity }),
})
