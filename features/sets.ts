/** The feature sets of this release. A bundle, a decision and a state store name theirs by hash, a person by name. */
import { creditLinkedFeatureSet } from './credit-linked-v1.ts'
import { creditFeatureSet } from './credit-v1.ts'
import { creditLinkedV1Monotone, creditLinkedV1ReasonGroups } from './definitions/credit-linked-v1-reasons.ts'
import { creditV1Monotone, creditV1ReasonGroups } from './definitions/credit-v1-reasons.ts'
import type { CreditReasonGroup } from './definitions/credit-v1-reasons.ts'
import { catalogue } from './describe.ts'
import type { CatalogueEntry } from './describe.ts'
import { linkedCatalogue } from './linked/linked-catalogue.ts'
import { partsOf } from './set-parts.ts'
import type { FeatureSetParts } from './set-parts.ts'

export interface NamedFeatureSet extends FeatureSetParts {
  /** Lower-kebab with a version, e.g. `credit-v1`. */
  readonly name: string
  /** 1: a higher value may only raise the risk; −1: only lower it. By feature name. */
  readonly monotone: Readonly<Record<string, 1 | -1>>
  /** Every feature of the set is in exactly one. */
  readonly reasonGroups: readonly CreditReasonGroup[]
  readonly entries: () => readonly CatalogueEntry[]
}

/** The first is the one that is trained on where nothing else is said. */
export const FEATURE_SETS: readonly [NamedFeatureSet, ...NamedFeatureSet[]] = [
  {
    name: 'credit-v1',
    ...partsOf(creditFeatureSet),
    monotone: creditV1Monotone,
    reasonGroups: creditV1ReasonGroups,
    entries: () => catalogue(creditFeatureSet),
  },
  {
    name: 'credit-linked-v1',
    ...partsOf(creditLinkedFeatureSet),
    monotone: creditLinkedV1Monotone,
    reasonGroups: creditLinkedV1ReasonGroups,
    entries: () => linkedCatalogue(creditLinkedFeatureSet),
  },
]

/** Undefined where this release has no such set. */
export const featureSetOfHash = (hash: string): NamedFeatureSet | undefined => FEATURE_SETS.find(({ set }) => set.hash === hash)
