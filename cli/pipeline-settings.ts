/** The configuration as the pipeline wants it: serving and replaying must use the very same rules. */
import { PIPELINE_DEFAULTS, type PipelineSettings } from '#streams/pipeline/settings.ts'
import type { Config } from './config.ts'

const MEBI = 1024 * 1024
const DAY_MS = 86_400_000
const YEAR_MS = 365.25 * DAY_MS

/** Shares of the deadline at which quality is given up, in the declared order. */
const DEGRADE_AFTER = { explanationDeferredAfter: 0.5, smallerEnsembleAfter: 0.7, scorecardAfter: 0.85, referredAfter: 1 }

export const pipelineSettings = (config: Config): PipelineSettings => ({
  ...PIPELINE_DEFAULTS,
  cacheBytesMax: config.state.cacheMebibytes * MEBI,
  time: { aheadMsMax: config.ingest.futureSkewSeconds * 1000, ageMsMax: config.ingest.pastYears * YEAR_MS },
  dedupe: { ...PIPELINE_DEFAULTS.dedupe, horizonMs: config.ingest.dedupeDays * DAY_MS },
  latency: config.deadlineMs === null ? null : { deadlineMs: config.deadlineMs, ...DEGRADE_AFTER },
})
