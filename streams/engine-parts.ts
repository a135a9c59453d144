/** What an engine is made of. */
import type { FeatureSet } from '#features/feature-set.ts'
import type { Logger } from './logger.ts'
import type { Pauses } from './pipeline/pauses.ts'
import type { PipelineSettings } from './pipeline/settings.ts'
import type { Clock, Decider, EventLog, Ownership, StateStore } from './ports.ts'

export interface EngineParts {
  readonly log: EventLog
  readonly state: StateStore
  readonly featureSet: FeatureSet
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
  /** Which partitions are this engine's; absent, all of them for ever. */
  readonly ownership?: Ownership
  readonly pauses?: Pauses
  /** The engine stopped by itself: terminal failure or bug. The composition root ends the process. */
  readonly onStopped: (failure: unknown) => void
}
