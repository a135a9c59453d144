/** A decider that another can take the place of while the engine runs, between two batches. */
import { take } from 'rxjs'
import type { DegradeStep, Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Engine } from './engine.ts'
import { TerminalFailure } from './failure.ts'
import type { Decider, DeciderStages } from './ports.ts'

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
  decide(application: ApplicationEvent, vectors: Float32Array, at: number, degrade: DegradeStep | null): Verdict {
    return this.#current.decide(application, vectors, at, degrade)
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
 * Puts `next` in force between two batches, and returns where: per partition the first input offset that it decides. An idle engine swaps at once, a
 * busy one when the batch under way is done, so no batch waits and none is decided by both. Decisions published before stay as they are:
 * whoever takes over adopts them.
 */
export const swapBetweenBatches = async (
  engine: Pick<Engine, 'lag' | 'positions' | 'progress'>,
  decider: SwappableDecider,
  next: MeasuredDecider,
): Promise<readonly number[]> => {
  const swap = (): readonly number[] => {
    decider.replace(next)
    return engine.positions()
  }
  if (engine.lag().every((behind) => behind === 0)) return swap()
  return await new Promise((resolve, reject) => {
    engine.progress.pipe(take(1)).subscribe({
      // Fires when a batch is done and before the next is fetched; nothing asynchronous lies between.
      next: () => {
        try {
          resolve(swap())
        } catch (failure) {
          reject(failure)
        }
      },
      complete: () => reject(new TerminalFailure('closed', 'the engine stopped before the model could be exchanged')),
    })
  })
}
