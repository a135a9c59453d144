/** Where the pipeline sleeps until there is something to do. */
export class Doorbell {
  #answer: (() => void) | undefined

  /** Wakes the sleeper, if there is one; a ring that nobody waits for is forgotten. */
  ring(): void {
    this.#answer?.()
  }

  /** Resolves at the next ring, or after `msMax` where that is given. One sleeper at a time. */
  wait(msMax?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = msMax === undefined ? undefined : setTimeout(() => this.ring(), msMax)
      this.#answer = () => {
        this.#answer = undefined
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
