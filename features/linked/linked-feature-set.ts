/**
 * A feature set over an applicant and what the application names: one compiled set for the applicant's own events, and one for each kind of
 * linked entity. Each entity has a state of its own; the vector is put together from them.
 */
import type { ApplicationEvent } from '#schemas/events.ts'
import { LINKED_KINDS } from '#schemas/linked-update.ts'
import { compile } from '../compile/compile.ts'
import type { CompiledFeatureSet, FeatureSource } from '../compile/compile.ts'
import { sha256 } from '../compile/canonical.ts'
import type { FeatureSet, LinkedPart } from '../feature-set.ts'
import type { Definition } from '../language/feature.ts'
import type { LinkedEntity } from '../language/kinds.ts'
import type { Capacities } from '../state/layout.ts'

export interface LinkedFeatureSource extends FeatureSource {
  /** The most applications held per device, employer, address. */
  readonly linkedCapacities: Readonly<Partial<Record<LinkedEntity, Capacities>>>
}

export interface CompiledPart extends LinkedPart {
  readonly set: CompiledFeatureSet
}

export interface LinkedFeatureSet extends FeatureSet {
  readonly definitions: readonly Definition[]
  /** The applicant's own features. */
  readonly own: CompiledFeatureSet
  /** Their places in the whole vector. */
  readonly ownAt: readonly number[]
  readonly linked: readonly CompiledPart[]
  /** SHA-256 hex over the linked parts alone: states of linked entities do not change with the applicant's features. */
  readonly linkedHash: string
}

const placesOf = (definitions: readonly Definition[], by: Definition['by']): readonly number[] =>
  definitions.flatMap((definition, place) => (definition.by === by ? [place] : []))

const partOf = (entity: LinkedEntity, { definitions, linkedCapacities, latenessMs }: LinkedFeatureSource): readonly CompiledPart[] => {
  const at = placesOf(definitions, entity)
  if (at.length === 0) return []
  const capacities = linkedCapacities[entity] ?? {}
  const set = compile({
    definitions: at.map((place) => definitions[place]!),
    capacities,
    ...(latenessMs === undefined ? {} : { latenessMs }),
  })
  return [{ entity, set, at }]
}

/** Definitions of several entities, in vector order. Throws where none is of the applicant, or a capacity is not declared. */
export const linkedFeatureSet = (source: LinkedFeatureSource): LinkedFeatureSet => {
  const { definitions } = source
  const ownAt = placesOf(definitions, 'applicant')
  const own = compile({ ...source, definitions: ownAt.map((place) => definitions[place]!) })
  const linked = LINKED_KINDS.flatMap((entity) => partOf(entity, source))
  const parts = [{ set: own, at: ownAt }, ...linked]
  const linkedHash = sha256(['linked-entities', linked.map(({ entity, set }) => [entity, set.hash])])
  const features = definitions.map((_, place) => {
    const { set, at } = parts.find((part) => part.at.includes(place))!
    return set.features[at.indexOf(place)]!
  })
  const scratch = new Float32Array(own.size)
  return {
    hash: sha256(['linked-feature-set', own.hash, linkedHash, definitions.map(({ name }) => name)]),
    linkedHash,
    features,
    size: definitions.length,
    stateBytes: own.stateBytes,
    definitions: [...definitions],
    own,
    ownAt,
    linked,
    emptyState: () => own.emptyState(),
    fold: (state, event) => own.fold(state, event),
    vector(state: Uint8Array, application: ApplicationEvent, out: Float32Array, at: number) {
      if (at < 0 || at + definitions.length > out.length)
        throw new RangeError(`a vector of ${definitions.length} does not fit at ${at} of ${out.length}; give a longer array`)
      own.vector(state, application, scratch, 0)
      out.fill(Number.NaN, at, at + definitions.length)
      for (let i = 0; i < ownAt.length; i++) out[at + ownAt[i]!] = scratch[i]!
    },
  }
}
