/** A feature set and, apart, what of it is read off the applicant alone. */
import type { CompiledFeatureSet } from './compile/compile.ts'
import type { FeatureSet } from './feature-set.ts'
import type { LinkedFeatureSet } from './linked/linked-feature-set.ts'

export interface FeatureSetParts {
  readonly set: FeatureSet
  /** Its features of the applicant: all of them, where none is of a linked entity. */
  readonly own: CompiledFeatureSet
  /** Places of those in the whole vector. */
  readonly ownAt: readonly number[]
}

export const partsOf = (set: CompiledFeatureSet | LinkedFeatureSet): FeatureSetParts =>
  'own' in set ? { set, own: set.own, ownAt: set.ownAt } : { set, own: set, ownAt: set.features.map((_, place) => place) }
