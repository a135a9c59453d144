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
  readonly changed: () => Promise<void>
  /** What the parity meter found lately. */
  readonly liveParity: () => LiveParity | undefined
}

/** Four fifths over at least a hundred decisions a group, as monitoring judges. */
const FAIRNESS = { groupMin: 100, outcomesMin: 30, ratioMin: 0.8, opportunityGapMax: 0.1 }

/** Undefined where the configuration switches it off, and where the log is shared by processes: training reads the log's own files. */
export const startRetraining = ({ config, ...parts }: RetrainingParts): RetrainLoop | undefined => {
  const { retrain, promotion, dataDir, models } = config
  if (!retrain.enabled || config.log.kind !== 'embedded') return undefined
  const { learner, plan, threads, rowsMax, heapMebibytes, secondsMax } = retrain
  const { time, dedupe } = pipelineSettings(config)
  const loop = new RetrainLoop({
    ...parts,
    order: { dataDir, modelsDir: models.dir, learner, plan, threads, rowsMax, time, dedupe, fairness: FAIRNESS },
    budget: { heapMebibytes, seconds: secondsMax },
    promotion,
    parityBudget: config.parity.budget,
  })
  loop.start()
  return loop
}
