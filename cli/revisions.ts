/** The search for late events, put together in the process that follows the logs: what they would have changed goes to the topic `revisions`. */
import { join } from 'node:path'
import { featureSetOfHash } from '#features/sets.ts'
import type { AttributionKind } from '#scoring/ensemble.ts'
import type { Scorer } from '#scoring/scorer.ts'
import type { Decision } from '#schemas/decision.ts'
import { encodeRevision } from '#schemas/revision-wire.ts'
import type { Logger } from '#streams/logger.ts'
import { checkpointFile } from '#streams/monitoring/checkpoint-file.ts'
import type { EventLog } from '#streams/ports.ts'
import type { HistoryRules } from '#streams/revisions/applicant-history.ts'
import type { JudgeOf } from '#streams/revisions/revise.ts'
import { type RevisionFigures, RevisionRunner } from '#streams/revisions/revision-runner.ts'
import type { Config } from './config.ts'
import type { Publish } from './monitoring.ts'
import { pipelineSettings } from './pipeline-settings.ts'

/** Bundles kept loaded, some 20 MB each: decisions lately made are by the champion and the one before it. */
const SCORERS_MAX = 2

export interface RevisionTask {
  readonly modelsDir: string
  readonly explain: AttributionKind
  readonly rules: Pick<HistoryRules, 'time' | 'dedupe'>
}

/** Arguments of the warehouse process. */
export const revisionArguments = (config: Config): string[] => {
  const { time, dedupe } = pipelineSettings(config)
  const task: RevisionTask = { modelsDir: config.models.dir, explain: config.explain, rules: { time, dedupe } }
  return ['--revisions', JSON.stringify(task)]
}

export interface RevisionOptions extends RevisionTask {
  readonly log: EventLog
  readonly dataDir: string
  readonly publish: Publish
  readonly logger: Logger
}

export interface RunningRevisions {
  readonly done: Promise<void>
  figures(): RevisionFigures
  stop(): void
}

/** Loads a bundle, and what runs it, when a decision of its is first revised: most engines never need either here. */
const judges = ({ modelsDir, explain, dataDir, logger }: RevisionOptions): JudgeOf => {
  const held = new Map<string, Promise<Scorer | undefined>>()
  const load = (decision: Decision): Promise<Scorer | undefined> =>
    import('./bundle-of-decision.ts')
      .then(({ scorerOfDecision }) => scorerOfDecision(decision, { dataDir, modelsDir, explain }))
      .catch((err: unknown) => {
        const { modelVersion, policyVersion } = decision.body
        logger.warn({ err, modelVersion, policyVersion }, 'a revised decision cannot be made again: its bundle or policy is gone')
        return undefined
      })
  return async (decision) => {
    const { body } = decision
    const key = `${body.modelVersion} ${body.policyVersion}`
    const loading = held.get(key) ?? load(decision)
    held.delete(key)
    held.set(key, loading)
    for (const oldest of held.keys()) {
      if (held.size <= SCORERS_MAX) break
      held.delete(oldest)
    }
    const scorer = await loading
    return scorer && ((application, vector) => scorer.decide(application, vector, 0, body.degraded))
  }
}

export const startRevisions = (options: RevisionOptions): RunningRevisions => {
  const { log, dataDir, publish, rules, logger } = options
  const runner = new RevisionRunner({
    log,
    rules,
    featureSetOf: (hash) => featureSetOfHash(hash)?.set,
    judgeOf: judges(options),
    checkpoints: checkpointFile(join(dataDir, 'warehouse', 'revisions.checkpoint')),
    publish: (revisions) => publish('revisions', revisions.map(encodeRevision)),
    logger,
    now: () => Date.now(),
  })
  return { done: runner.run(), figures: () => runner.figures(), stop: () => runner.stop() }
}
