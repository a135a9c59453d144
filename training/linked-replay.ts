/** What applications read off the devices, employers and addresses they name, for training. */
import type { FeatureSet, LinkedPart } from '#features/feature-set.ts'
import { linkId } from '#features/linked/link-id.ts'
import { readLinked } from '#features/linked/read-linked.ts'
import type { ApplicationEvent } from '#schemas/events.ts'

export interface LinkedHistory {
  /** Writes the linked part of the application's vector, as known when it was made. */
  write(application: ApplicationEvent, vector: Float32Array): void
}

/** Folds applications in the order in which they are written: each reads what those before it told, as a live engine without any lag would. */
export class LinkedReplay implements LinkedHistory {
  readonly #parts: readonly LinkedPart[]
  readonly #states = new Map<string, Uint8Array>()

  constructor({ linked }: FeatureSet) {
    this.#parts = linked ?? []
  }

  write(application: ApplicationEvent, vector: Float32Array): void {
    for (const part of this.#parts) {
      const id = linkId(application, part.entity)
      const state = id === undefined ? undefined : this.#stateOf(part, id)
      readLinked(part, state, application, vector, 0)
      if (state !== undefined) part.set.fold(state, application)
    }
  }

  #stateOf({ entity, set }: LinkedPart, id: string): Uint8Array {
    const key = `${entity}:${id}`
    let state = this.#states.get(key)
    if (state === undefined) this.#states.set(key, (state = set.emptyState()))
    return state
  }
}
