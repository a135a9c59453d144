/** The compiled credit feature set with linked entities, version 1. */
import { creditLinkedV1Capacities, creditLinkedV1Definitions } from './definitions/credit-linked-v1.ts'
import { creditV1Capacities } from './definitions/credit-v1.ts'
import { linkedFeatureSet } from './linked/linked-feature-set.ts'

export const creditLinkedFeatureSet = linkedFeatureSet({
  definitions: creditLinkedV1Definitions,
  capacities: creditV1Capacities,
  linkedCapacities: creditLinkedV1Capacities,
})
