/** Where the pipeline sleeps until there is something to do. */
import type { Pauses } from './pauses.ts'

export class Doorbell {
  readonly #pauses: Pauses
  #answer: (() => void) | undefined

  constructor(pauses: Pauses) {
    this.#pauses = pauses
  }

  /** Wakes the sleeper, if there is one; a ring that nobody waits for is forgotten. */
  ring(): void {
    this.#answer?.()
  }

  /** Resolves at the next ring, or after `msMax` where that is given. One sleeper at a time. */
  wait(msMax?: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = msMax === undefined ? undefined : this.#pauses.after(msMax, () => this.ring())
      this.#answer = () => {
        this.#answer = undefined
        callOff?.()
        resolve()
      }
    })
  }
}
