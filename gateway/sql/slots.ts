/** A bounded number of queries at once, and a bounded number waiting, in order. */
import { SqlError } from './sql-error.ts'

/** How many may wait for each that may run. */
const WAITING_PER_SLOT = 16
/** A waiting query is turned away after this. */
const WAIT_MS_MAX = 10_000

export class Slots {
  readonly #max: number
  #running = 0
  readonly #waiting: { readonly start: () => void; readonly timer: NodeJS.Timeout }[] = []

  constructor(max: number) {
    this.#max = max
  }

  get running(): number {
    return this.#running
  }

  /** Resolves with the function that gives the slot back. */
  async take(): Promise<() => void> {
    if (this.#running < this.#max) this.#running += 1
    else await this.#wait()
    let held = true
    return () => {
      if (!held) return
      held = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else {
        clearTimeout(next.timer)
        next.start()
      }
    }
  }

  #wait(): Promise<void> {
    const busy = (): SqlError =>
      new SqlError('TOO_MANY_SIMULTANEOUS_QUERIES', `Too many simultaneous queries. Maximum: ${this.#max}; ask again later`)
    if (this.#waiting.length >= this.#max * WAITING_PER_SLOT) return Promise.reject(busy())
    return new Promise((resolve, reject) => {
      const waiter = {
        start: resolve,
        timer: setTimeout(() => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
          reject(busy())
        }, WAIT_MS_MAX),
      }
      this.#waiting.push(waiter)
    })
  }
}
