/** Makes the engine that decides by one bundle, with the stores of its feature set. */
import { hostname } from 'node:os'
import type { FeatureSet } from '#features/feature-set.ts'
import type { Scorer } from '#scoring/scorer.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import type { Seat } from '#streams/evolution/evolving-engine.ts'
import type { Logger } from '#streams/logger.ts'
import type { Clock } from '#streams/ports.ts'
import { SwappableDecider } from '#streams/swappable-decider.ts'
import type { Adapters } from './adapters.ts'
import type { Config } from './config.ts'
import { pipelineSettings } from './pipeline-settings.ts'

export interface SeatParts {
  readonly config: Config
  readonly adapters: Adapters
  readonly clock: Clock
  readonly logger: Logger
  /** The engine stopped by itself. */
  readonly failed: (failure: unknown) => void
}

export type OpenSeat = (scorer: Scorer, featureSet: FeatureSet, counters?: Engine['counters']) => Promise<Seat>

/** The engine is not started. `counters` are those of the engine it succeeds. */
export const seatOpener =
  ({ config, adapters, clock, logger, failed }: SeatParts): OpenSeat =>
  async (scorer, featureSet, counters) => {
    const decider = new SwappableDecider(scorer)
    const engine = createEngine({
      ...(await adapters.storesOf(featureSet)),
      log: adapters.log,
      ownership: adapters.ownership,
      featureSet,
      decider,
      clock,
      monotonicUs: () => performance.now() * 1000,
      logger,
      owner: `${hostname()}:${process.pid}`,
      host: hostname(),
      runtime: `node ${process.versions.node} ${process.arch}`,
      settings: pipelineSettings(config),
      onStopped: failed,
      ...(counters === undefined ? {} : { counters }),
    })
    return { engine, featureSet, decider }
  }
