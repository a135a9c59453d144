/** Which events threw, and how often: first tried again alone, then given up as poison. Bounded, since too many of them stop the engine. */
import type { LogRecord } from '../ports.ts'
import type { EventCrash } from './batch.ts'

export class Attempts {
  readonly #byPosition = new Map<string, number>()
  readonly #attemptsMax: number
  readonly #poisonsMax: number

  constructor(limits: { readonly attemptsMax: number; readonly poisonsMax: number }) {
    this.#attemptsMax = limits.attemptsMax
    this.#poisonsMax = limits.poisonsMax
  }

  /** Counts a crash and returns its ordinal; throws where too many different events have crashed. */
  count(crash: EventCrash): number {
    const position = `${crash.partition}-${crash.offset}`
    const attempt = (this.#byPosition.get(position) ?? 0) + 1
    this.#byPosition.set(position, attempt)
    if (this.#byPosition.size > this.#poisonsMax)
      throw new Error(`${this.#byPosition.size} different events threw: the code or the model is at fault, not the events`, {
        cause: crash.cause,
      })
    return attempt
  }

  isPoison(record: LogRecord): boolean {
    return this.#on(record) >= this.#attemptsMax
  }

  /** Threw before and is to be tried again. */
  isSuspect(record: LogRecord): boolean {
    const attempts = this.#on(record)
    return attempts > 0 && attempts < this.#attemptsMax
  }

  #on(record: LogRecord): number {
    return this.#byPosition.size === 0 ? 0 : (this.#byPosition.get(`${record.partition}-${record.offset}`) ?? 0)
  }
}
