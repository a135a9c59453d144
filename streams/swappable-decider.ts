/** A decider that another can take the place of while the engine runs, between two batches. */
import type { DegradeStep, Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Engine } from './engine.ts'
import { TerminalFailure } from './failure.ts'
import type { Decider, DeciderStages, PreparedRows } from './ports.ts'

type MeasuredDecider = Decider & { readonly lastStages: DeciderStages }

export class SwappableDecider implements Decider {
  #current: MeasuredDecider

  constructor(first: MeasuredDecider) {
    this.#current = first
  }
  get modelVersion(): string {
    return this.#current.modelVersion
  }
  get featureSetHash(): string {
    return this.#current.featureSetHash
  }
  get lastStages(): DeciderStages {
    return this.#current.lastStages
  }
  prepare(vectors: Float32Array, rows: number): PreparedRows | undefined {
    return this.#current.prepare?.(vectors, rows)
  }
  decide(application: ApplicationEvent, vectors: Float32Array, at: number, degrade: DegradeStep | null, prepared?: PreparedRows): Verdict {
    return this.#current.decide(application, vectors, at, degrade, prepared)
  }
  /** Everything decided from now on is `next`'s. The caller sees to it that no batch is half decided. */
  replace(next: MeasuredDecider): void {
    if (next.featureSetHash !== this.featureSetHash)
      throw new TerminalFailure(
        'directory-mismatch',
        `model ${next.modelVersion} was trained on feature set ${next.featureSetHash.slice(0, 12)}, in force is ${this.featureSetHash.slice(0, 12)}. Start an engine that has that feature set.`,
      )
    this.#current = next
  }
}

/**
 * Puts `next` in force between two batches, and returns where: per owned partition the first input offset that it decides. No batch waits and none is
 * decided by both. Decisions published before stay as they are: whoever takes over adopts them.
 */
export const swapBetweenBatches = async (
  engine: Pick<Engine, 'betweenBatches' | 'positions'>,
  decider: SwappableDecider,
  next: MeasuredDecider,
): Promise<ReadonlyMap<number, number>> => {
  let offsets: ReadonlyMap<number, number> = new Map()
  await engine.betweenBatches(() => {
    decider.replace(next)
    offsets = engine.positions()
  })
  return offsets
}
