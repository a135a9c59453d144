/** Virtual time: everything that happens in a simulation happens here, in an order that the seed decides. */
import { randomOf } from '../crash/random.ts'

interface Due {
  readonly atMs: number
  /** Decides between what is due at the same time. */
  readonly tie: number
  readonly run: () => void
}

export class Scheduler {
  readonly random: () => number
  readonly #trace: ((line: string) => void) | undefined
  #due: Due[] = []
  nowMs = 0
  steps = 0

  constructor(seed: number, trace?: (line: string) => void) {
    this.random = randomOf(seed)
    this.#trace = trace
  }

  /** Says what happens, where somebody listens. */
  say(line: () => string): void {
    this.#trace?.(`${this.nowMs.toFixed(1).padStart(8)} ms  ${line()}`)
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low)
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<One>(from: readonly One[]): One {
    return from[Math.floor(this.random() * from.length)] as One
  }

  /** Returns what calls it off. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { atMs: this.nowMs + ms, tie: this.random(), run }
    this.#due.push(due)
    return () => {
      this.#due = this.#due.filter((other) => other !== due)
    }
  }

  /** Lets time pass until `done`; false where nothing is left to happen or too much happened before that. */
  async run(done: () => boolean, stepsMax: number): Promise<boolean> {
    for (const last = this.steps + stepsMax; this.steps < last; this.steps++) {
      if (done()) return true
      const next = this.#take()
      if (next === undefined) return false
      this.nowMs = next.atMs
      next.run()
      // All that follows from it without the world's help follows now.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return done()
  }

  #take(): Due | undefined {
    let first = 0
    for (let i = 1; i < this.#due.length; i++) {
      const one = this.#due[i] as Due
      const best = this.#due[first] as Due
      if (one.atMs < best.atMs || (one.atMs === best.atMs && one.tie < best.tie)) first = i
    }
    return this.#due.splice(first, 1)[0]
  }
}
