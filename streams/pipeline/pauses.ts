/** Waiting, as the pipeline does it; an argument, so that a simulation keeps the time. */

export interface Pauses {
  /** Lets everything else on the event loop have its turn. */
  turn(): Promise<void>
  wait(ms: number): Promise<void>
  /** Calls back once after `ms`, unless called off by what it returns. */
  after(ms: number, then: () => void): () => void
}

export const realPauses: Pauses = {
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    return () => clearTimeout(timer)
  },
}
