/** The catalogue of a feature set over several entities: each part's own, in the order of the whole vector. */
import { catalogue } from '../describe.ts'
import type { CatalogueEntry } from '../describe.ts'
import type { LinkedFeatureSet } from './linked-feature-set.ts'

export const linkedCatalogue = ({ own, ownAt, linked }: LinkedFeatureSet): readonly CatalogueEntry[] =>
  [{ set: own, at: ownAt }, ...linked]
    .flatMap(({ set, at }) => catalogue(set).map((entry, i) => ({ ...entry, position: at[i]! })))
    .toSorted((a, b) => a.position - b.position)
