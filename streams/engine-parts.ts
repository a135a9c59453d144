/** What an engine is made of. */
import type { FeatureSet } from '#features/feature-set.ts'
import { TerminalFailure } from './failure.ts'
import type { Logger } from './logger.ts'
import type { Pauses } from './pipeline/pauses.ts'
import type { EngineCounters } from './pipeline/counters.ts'
import type { PipelineSettings } from './pipeline/settings.ts'
import type { Clock, Decider, EventLog, Ownership, StateStore } from './ports.ts'

export interface EngineParts {
  readonly log: EventLog
  readonly state: StateStore
  readonly featureSet: FeatureSet
  /** States of linked entities; needed where the feature set reads any. Its partitions are those of `linked-entities`. */
  readonly linkedState?: StateStore
  readonly decider: Decider
  readonly clock: Clock
  /** Monotonic microseconds, for stage times and commit intervals only. */
  readonly monotonicUs: () => number
  readonly logger: Logger
  /** Names of this owner, host and runtime, for claims and envelopes. */
  readonly owner: string
  readonly host: string
  readonly runtime: string
  readonly settings?: Partial<PipelineSettings>
  /** Those of an engine that this one succeeds: they go on. */
  readonly counters?: EngineCounters
  /** Which partitions are this engine's; absent, all of them for ever. */
  readonly ownership?: Ownership
  readonly pauses?: Pauses
  /** The engine stopped by itself: terminal failure or bug. The composition root ends the process. */
  readonly onStopped: (failure: unknown) => void
}

/** Throws where the model was trained on another feature set than is in force. */
export const requireFitting = ({ decider, featureSet }: EngineParts): void => {
  if (decider.featureSetHash !== featureSet.hash)
    throw new TerminalFailure(
      'directory-mismatch',
      `model ${decider.modelVersion} was trained on feature set ${decider.featureSetHash.slice(0, 12)}, in force is ${featureSet.hash.slice(0, 12)}. Publish a model for it, or run the engine that has that feature set.`,
    )
}
