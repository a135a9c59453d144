/** One life of one process: the real engine and a reader beside it, on a line to the shared world. */
import { epochMs } from '#schemas/units.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import { DecisionFollower } from '#streams/follow-decisions.ts'
import { silentLogger } from '#streams/logger.ts'
import type { Decider } from '#streams/ports.ts'
import { T0, tinyFeatureSet } from '../streams/support/embedded.ts'
import { believe, startOf, type Beliefs } from './consumer.ts'
import type { Coordinator } from './coordinator.ts'
import { Line, type Weather } from './line.ts'
import type { Scheduler } from './scheduler.ts'
import { logOver, type SharedLog } from './shared-log.ts'
import { stateOver, type SharedState } from './shared-state.ts'

/** So small that within a short run everything happens: batches cut short, commits coalesced, entities pushed out and loaded again. */
const SETTINGS = {
  batchRecordsMax: 5,
  batchApplicationsMax: 3,
  commitAfterMs: 6,
  dirtyEntitiesMax: 4,
  cacheBytesMax: 1_600,
  retryAfterMs: 2,
  retakeAfterMs: 15,
}

export interface Shared {
  readonly scheduler: Scheduler
  readonly weather: Weather
  readonly log: SharedLog
  readonly state: SharedState
  readonly coordinator: Coordinator
}

export class Member {
  readonly line: Line
  readonly engine: Engine
  readonly beliefs: Beliefs = new Map()
  /** The engine stopped by itself. */
  failure: unknown
  readonly #shared: Shared

  constructor(name: string, decider: Decider, shared: Shared) {
    const { scheduler, weather, log, state, coordinator } = shared
    this.#shared = shared
    const line = new Line(name, scheduler, weather)
    this.line = line
    const seen = logOver(line, log, scheduler)
    this.engine = createEngine({
      log: seen,
      state: stateOver(line, state),
      ownership: coordinator.ownershipOf(line),
      pauses: line.pauses,
      featureSet: tinyFeatureSet,
      decider,
      clock: { now: () => epochMs(T0 + 1_000_000 + Math.floor(scheduler.nowMs)) },
      monotonicUs: () => scheduler.nowMs * 1000,
      logger: {
        ...silentLogger,
        warn: (facts, message) => scheduler.say(() => `${name}: ${message} ${JSON.stringify(facts)}`),
      },
      owner: name,
      host: 'simulated',
      runtime: 'simulated',
      settings: SETTINGS,
      onStopped: (failure) => {
        this.failure = failure
        scheduler.say(() => `${name} stopped by itself: ${String(failure)}`)
      },
    })
    new DecisionFollower({ log: seen, pauses: line.pauses, failed: () => {} }, startOf(log), (records) => {
      for (const record of records) believe(this.beliefs, record)
    })
    const start = (): void => {
      this.engine.start().catch((failure: unknown) => {
        if (this.engine.running) this.failure ??= failure
      })
    }
    start()
  }

  /** `kill -9`. */
  crash(): void {
    this.#shared.scheduler.say(() => `${this.line.name} is killed`)
    this.line.cut()
    this.#shared.coordinator.silent(this.line)
  }

  /** SIGSTOP, and SIGCONT after `ms`. */
  stall(ms: number): void {
    const { scheduler, coordinator } = this.#shared
    scheduler.say(() => `${this.line.name} stalls for ${ms.toFixed(0)} ms`)
    this.line.pause()
    coordinator.silent(this.line)
    scheduler.after(ms, () => {
      if (!this.line.paused) return
      scheduler.say(() => `${this.line.name} wakes up`)
      this.line.resume()
    })
  }

  /** SIGTERM: hands over and ends. */
  async end(): Promise<void> {
    this.#shared.scheduler.say(() => `${this.line.name} is asked to end`)
    await this.engine.stop()
    this.#shared.scheduler.say(() => `${this.line.name} ended`)
    this.line.cut()
  }
}
