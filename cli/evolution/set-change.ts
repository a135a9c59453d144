/** Takes an engine that serves to the feature set of another bundle, in the background: `streams/evolution/` does it, this says when and to whom. */
import type { NamedFeatureSet } from '#features/sets.ts'
import type { Scorer } from '#scoring/scorer.ts'
import { evolve, EvolutionRefused, type EvolutionProgress } from '#streams/evolution/evolve.ts'
import type { EvolvingEngine } from '#streams/evolution/evolving-engine.ts'
import type { Logger } from '#streams/logger.ts'
import type { Clock } from '#streams/ports.ts'
import type { Adapters } from '../adapters.ts'
import { requireFeatureSet } from '../feature-sets.ts'
import type { OpenSeat } from '../open-seat.ts'
import { keepCertificate } from './certificate-files.ts'
import { writeInForce } from './in-force.ts'

/** Progress in the log, at most so often. */
const TELL_MS = 2_000

export interface SetChangeParts {
  readonly dataDir: string
  readonly adapters: Adapters
  readonly engine: EvolvingEngine
  readonly openSeat: OpenSeat
  /** A verified scorer of the bundle in this directory. */
  readonly load: (bundleDir: string, features: NamedFeatureSet) => Promise<Scorer>
  readonly clock: Clock
  readonly logger: Logger
  /** The engine ended and no other took its place. */
  readonly failed: (failure: unknown) => void
}

export interface WantedBundle {
  readonly directory: string
  /** name@version. */
  readonly modelVersion: string
  readonly featureSetHash: string
}

/** Called once the bundle decides, with the first input offset of each partition that it does. */
export type Activated = (previousVersion: string, offsets: readonly number[]) => Promise<void>

export type SetChangeStatus = { readonly kind: 'none' } | EvolutionProgress

/** Said where several processes own partitions: each would have to wait for all others. */
const ON_A_SHARED_LOG =
  'its feature set is another than the one in force, and on a log that processes share an engine does not change its set while it serves. Stop the engines of this group and start them with the new bundle: they fold the log again into the new set’s states and adopt every decision made'

export class SetChange {
  readonly #parts: SetChangeParts
  #under: { readonly abort: AbortController; readonly done: Promise<void> } | undefined
  #status: SetChangeStatus = { kind: 'none' }
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(parts: SetChangeParts) {
    this.#parts = parts
  }

  get status(): SetChangeStatus {
    return this.#status
  }

  /** Begins, and resolves once an earlier change was called off. What comes of it is logged; a refusal leaves the present set in force. */
  async begin(wanted: WantedBundle, activated: Activated): Promise<void> {
    await this.callOff()
    const { adapters, logger } = this.#parts
    if (adapters.shared) {
      logger.error({ modelVersion: wanted.modelVersion }, `${wanted.modelVersion} does not decide: ${ON_A_SHARED_LOG}`)
      return
    }
    const abort = new AbortController()
    this.#under = { abort, done: this.#run(wanted, abort.signal, activated) }
  }

  /** The present set goes on; what was filled of another is kept. After the cut-over it waits for the end. */
  async callOff(): Promise<void> {
    this.#under?.abort.abort()
    await this.#under?.done
    this.#under = undefined
  }

  async #run(wanted: WantedBundle, signal: AbortSignal, activated: Activated): Promise<void> {
    const { engine, logger, failed } = this.#parts
    const { modelVersion } = wanted
    const present = engine.seat.decider.modelVersion
    try {
      logger.warn({ from: present, to: modelVersion }, 'another feature set is wanted: its states are filled from the log')
      const { cutOver, applicants, vectors, values, decisions } = await this.#evolve(wanted, signal)
      logger.warn(
        { from: present, to: modelVersion, applicants, vectors, values, decisions, differences: 0, offsets: cutOver?.offsets },
        'another feature set decides from here on',
      )
      await activated(present, cutOver?.offsets ?? [])
    } catch (error) {
      if (signal.aborted) logger.warn({ from: present, to: modelVersion }, 'the change of the feature set was called off')
      else if (error instanceof EvolutionRefused) logger.error({ code: error.code }, error.message)
      else logger.error({ err: error }, `${modelVersion} could not be put in force`)
      // The former engine had ended when its successor could not begin.
      if (!signal.aborted && !engine.seat.engine.running) failed(error)
    } finally {
      this.#status = { kind: 'none' }
    }
  }

  async #evolve({ directory, modelVersion, featureSetHash }: WantedBundle, signal: AbortSignal) {
    const { dataDir, adapters, engine, openSeat, load, clock, logger } = this.#parts
    const [from, to] = [
      requireFeatureSet(engine.seat.featureSet.hash, 'the engine'),
      requireFeatureSet(featureSetHash, `bundle ${modelVersion}`),
    ]
    const scorer = await load(directory, to)
    return evolve({
      ...(await adapters.storesOf(to.set)),
      log: adapters.log,
      engine,
      from,
      to,
      decider: scorer,
      openNext: (counters) => openSeat(scorer, to.set, counters),
      record: (certificate) => keepCertificate(dataDir, certificate),
      putInForce: () => writeInForce(dataDir, { featureSetHash, modelVersion }),
      clock,
      monotonicUs: () => performance.now() * 1000,
      logger,
      signal,
      progressed: (progress) => this.#tell(progress),
    })
  }

  #tell(progress: EvolutionProgress): void {
    this.#status = progress
    const at = performance.now()
    if (at - this.#toldAt < TELL_MS) return
    this.#toldAt = at
    this.#parts.logger.info(progress, 'on the way to another feature set')
  }
}
