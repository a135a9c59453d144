/** The part of a vector that is read off linked entities. */
import type { ApplicationEvent } from '#schemas/events.ts'
import type { FeatureSet, LinkedPart } from '../feature-set.ts'

/** Room for one part's vector; grown by need. */
let scratch = new Float32Array(64)

/**
 * Writes a part's features as of `application.eventTime` to their places in `vectors[at ..)`. `state` is that of the entity that the
 * application names: `undefined` where it names none, which makes them missing. An entity nothing is known of has an empty state.
 */
export const readLinked = (
  { set, at: places }: LinkedPart,
  state: Uint8Array | undefined,
  application: ApplicationEvent,
  vectors: Float32Array,
  at: number,
): void => {
  if (scratch.length < set.size) scratch = new Float32Array(set.size)
  if (state === undefined) scratch.fill(Number.NaN, 0, set.size)
  else set.vector(state, application, scratch, 0)
  for (let i = 0; i < places.length; i++) vectors[at + places[i]!] = scratch[i]!
}

/** Copies a part's features from one vector to another: what was read then, instead of what would be read now. */
export const copyLinked = ({ linked }: FeatureSet, from: Float32Array, to: Float32Array): void => {
  for (const { at } of linked ?? []) for (const place of at) to[place] = from[place]!
}
