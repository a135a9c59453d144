/** What the training process is told, and what it says of itself over the channel. */
import type { Gate } from '#schemas/monitoring-events.ts'
import type { FairnessLimits } from '#monitoring/statistics/group-fairness.ts'
import type { PlanName } from '#training/training-plan.ts'
import type { DedupeLimits } from '#streams/dedupe-ring.ts'
import type { TimeRules } from '#streams/pipeline/admission.ts'
import type { DeviceWish } from '#training/xgboost/learner.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import type { LearnerName } from './open-learner.ts'

export interface TrainingOrder {
  readonly dataDir: string
  /** Where the logs are, unless in the data directory. */
  readonly kafka?: { readonly settings: KafkaSettings; readonly partitions: number }
  readonly modelsDir: string
  /** Bundle to be succeeded, name@version. */
  readonly champion: string
  readonly requestId: string
  /** Per partition of credit-events, the offset before which everything was known. */
  readonly inputOffsets: readonly number[]
  /** Epoch milliseconds of the request: outcomes that mature later were not known. */
  readonly maturedBy: number
  readonly learner: LearnerName
  readonly device: DeviceWish
  readonly plan: PlanName
  readonly threads: number
  readonly priority: 'idle' | 'low'
  /** Most labelled applications, the newest. */
  readonly rowsMax: number
  readonly time: TimeRules
  readonly dedupe: DedupeLimits
  readonly fairness: FairnessLimits
}

export interface TrainedSuccessor {
  readonly kind: 'trained'
  /** Bundle published, name@version. */
  readonly modelVersion: string
  readonly gates: readonly Gate[]
  /** Library and device that fitted. */
  readonly library: string
  readonly rows: number
  readonly excluded: number
  readonly cpuSeconds: number
  readonly wallSeconds: number
  readonly rssBytesMax: number
}

export type TrainingMessage =
  /** `done` of `total`, where the stage can be counted. */
  | { readonly kind: 'progress'; readonly stage: string; readonly done: number | null; readonly total: number | null }
  | TrainedSuccessor
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }
