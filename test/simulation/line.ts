/** What connects one process to the world: late, lossy, and cut when the process dies. */
import { RetryableFailure } from '#streams/failure.ts'
import type { Pauses } from '#streams/pipeline/pauses.ts'
import type { Scheduler } from './scheduler.ts'

/** How badly the network behaves now; calmed at the end of a run. */
export interface Weather {
  /** Chance that a request is lost on its way, or its answer on the way back. */
  loss: number
  latencyMsMax: number
}

const TIMEOUT_MS = 12

/** Does a request, as far as it gets: 1 is all of it, less a part where what is asked for is no single step. */
export type Effect<Result> = (reach: number) => Result

export class Line {
  readonly name: string
  readonly #scheduler: Scheduler
  readonly #weather: Weather
  #state: 'up' | 'paused' | 'cut' = 'up'
  #held: (() => void)[] = []
  timeouts = 0

  constructor(name: string, scheduler: Scheduler, weather: Weather) {
    this.name = name
    this.#scheduler = scheduler
    this.#weather = weather
  }

  get up(): boolean {
    return this.#state === 'up'
  }

  get paused(): boolean {
    return this.#state === 'paused'
  }

  /** The process is dead: nothing reaches it any more, and of what it asked for a moment ago anything may still happen. */
  cut(): void {
    this.#state = 'cut'
    this.#held = []
  }

  /** The process stands still and does not know it. */
  pause(): void {
    if (this.#state === 'up') this.#state = 'paused'
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'up'
    const held = this.#held
    this.#held = []
    for (const one of held) this.deliver(one)
  }

  /** Something happens inside the process: now, when it wakes up, or never. */
  deliver(happen: () => void): void {
    if (this.#state === 'up') happen()
    else if (this.#state === 'paused') this.#held.push(happen)
  }

  /** Asks the world for something. A lost answer rejects as retryable although all or a part of it may have taken effect. */
  call<Result>(effect: Effect<Result>): Promise<Result> {
    const { random } = this.#scheduler
    const fate = random()
    const { loss } = this.#weather
    return new Promise<Result>((resolve, reject) => {
      const timeOut = (): void => {
        this.#scheduler.after(TIMEOUT_MS, () => this.deliver(() => reject(new RetryableFailure('overloaded', 'no answer in time'))))
      }
      if (fate < loss) this.timeouts++
      this.#scheduler.after(this.#latency(), () => {
        if (fate < loss / 2 || (this.#state === 'cut' && fate > 0.5)) return timeOut()
        const partial = fate < loss || this.#state === 'cut'
        try {
          const result = effect(partial ? random() * 1.5 : 1)
          if (partial) return timeOut()
          this.#scheduler.after(this.#latency(), () => this.deliver(() => resolve(result)))
        } catch (failure) {
          if (partial) return timeOut()
          this.#scheduler.after(this.#latency(), () => this.deliver(() => reject(failure)))
        }
      })
    })
  }

  readonly pauses: Pauses = {
    turn: () => this.pauses.wait(0),
    wait: (ms) => new Promise((resolve) => this.#scheduler.after(ms, () => this.deliver(resolve))),
    after: (ms, then) => {
      let off = false
      const callOff = this.#scheduler.after(ms, () => this.deliver(() => off || then()))
      return () => {
        off = true
        callOff()
      }
    },
  }

  /** Mostly short, now and then long: what was asked for later is often done earlier. */
  #latency(): number {
    const { random } = this.#scheduler
    return random() < 0.1 ? random() * 4 * this.#weather.latencyMsMax : random() * this.#weather.latencyMsMax
  }
}
