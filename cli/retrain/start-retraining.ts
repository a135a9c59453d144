/** The retraining loop as the configuration wants it. */
import type { Logger } from '#streams/logger.ts'
import type { Clock, EventLog } from '#streams/ports.ts'
import type { LiveParity } from '#training/gates/live-parity-gate.ts'
import type { Config } from '../config.ts'
import { pipelineSettings } from '../pipeline-settings.ts'
import { RetrainLoop } from './retrain-loop.ts'

export interface RetrainingParts {
  readonly config: Config
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  readonly champion: () => string
  readonly makeReady: () => () => void
  /** Of engines that share a log one answers. */
  readonly leads: () => boolean
  readonly changed: () => Promise<void>
  /** What the parity meter found lately. */
  readonly liveParity: () => LiveParity | undefined
}

/** Four fifths over at least a hundred decisions a group, as monitoring judges. */
const FAIRNESS = { groupMin: 100, outcomesMin: 30, ratioMin: 0.8, opportunityGapMax: 0.1 }

/** Undefined where the configuration switches it off. */
export const startRetraining = ({ config, ...parts }: RetrainingParts): RetrainLoop | undefined => {
  const { retrain, promotion, dataDir, models, log } = config
  if (!retrain.enabled) return undefined
  const { learner, device, plan, threads, priority, rowsMax, heapMebibytes, secondsMax } = retrain
  const { time, dedupe } = pipelineSettings(config)
  const loop = new RetrainLoop({
    ...parts,
    order: {
      dataDir,
      ...(log.kind === 'kafka' ? { kafka: { settings: log.kafka, partitions: log.partitions } } : {}),
      modelsDir: models.dir,
      learner,
      device,
      plan,
      threads,
      priority,
      rowsMax,
      time,
      dedupe,
      fairness: FAIRNESS,
    },
    budget: { heapMebibytes, seconds: secondsMax },
    promotion,
    parityBudget: config.parity.budget,
  })
  loop.start()
  return loop
}
