/** Training saw the very vectors that the live engine decided on. */
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Gate } from '#schemas/monitoring-events.ts'
import { undecided, verdict } from './verdict.ts'

/** Compares replayed vectors with those that stand in decision capsules, bit for bit. */
export class FeatureParity {
  readonly #decided: Map<string, Float32Array>
  #compared = 0
  #different = 0
  #example = ''

  /** @param decided vectors of past decisions, by application id; emptied as they are met. */
  constructor(decided: ReadonlyMap<string, Float32Array>) {
    this.#decided = new Map(decided)
  }

  see({ applicationId }: ApplicationEvent, vector: Float32Array, names: readonly string[]): void {
    const live = this.#decided.get(applicationId)
    if (live === undefined) return
    this.#decided.delete(applicationId)
    this.#compared++
    const at = vector.findIndex((value, index) => !Object.is(value, live[index]))
    if (at === -1) return
    this.#different++
    if (this.#example === '') this.#example = `; ${names[at]} of ${applicationId} was ${live[at]} live, ${vector[at]} in training`
  }

  gate(): Gate {
    const name = 'feature-parity'
    if (this.#compared === 0) return undecided(name, 'no past decision under this feature set to compare with')
    return verdict(
      name,
      this.#different === 0,
      { value: this.#different, threshold: 0 },
      `${this.#different} of ${this.#compared} vectors differ from those the engine decided on${this.#example}`,
    )
  }
}
