/** Settings of the pipeline and their reasons. */
import { DEDUPE_DEFAULT, type DedupeLimits } from '../dedupe-ring.ts'
import type { TimeRules } from './admission.ts'
import type { LatencyContract } from './degrade.ts'

export interface PipelineSettings {
  /** Records of one batch over all partitions: about 10 ms of work, so that HTTP on the same loop is not held up longer. */
  readonly batchRecordsMax: number
  /** Applications of one batch: at about 0.1 ms each they, not the records, bound its time. */
  readonly batchApplicationsMax: number
  readonly batchBytesMax: number
  /** Once this many full batches wait, each is {@link catchUpFactor} times as large, and a commit as rare: nobody waits for milliseconds then. */
  readonly catchUpFrom: number
  /**
   * Each batch is one append and one reading back; with larger ones they cost less, and the event loop is held longer. Rarer commits write an
   * applicant once for more of its events; after a crash more is folded again.
   */
  readonly catchUpFactor: number
  /** States are committed at least this often while there is something to commit and little waits. */
  readonly commitAfterMs: number
  /** … and once this many entities are dirty: writing them out takes about 1 µs each on the event loop. */
  readonly dirtyEntitiesMax: number
  /** Entities in memory. */
  readonly cacheBytesMax: number
  /** Linked entities in memory, where the feature set reads any. */
  readonly linkedBytesMax: number
  /** How often an event may throw before it is dead-lettered as poison. */
  readonly attemptsMax: number
  /** Events set aside as poison before the engine stops: then it is the code or the model that is at fault, not the events. */
  readonly poisonsMax: number
  readonly time: TimeRules
  readonly dedupe: DedupeLimits
  readonly latency: LatencyContract | null
  /** Wait before a retryable failure is tried again. */
  readonly retryAfterMs: number
  /** Wait before a partition that another owner claimed, though it is assigned here, is claimed again. */
  readonly retakeAfterMs: number
}

const MEBI = 1024 * 1024

export const PIPELINE_DEFAULTS: PipelineSettings = {
  batchRecordsMax: 1024,
  batchApplicationsMax: 48,
  batchBytesMax: MEBI,
  catchUpFrom: 8,
  catchUpFactor: 4,
  commitAfterMs: 100,
  dirtyEntitiesMax: 8192,
  cacheBytesMax: 192 * MEBI,
  linkedBytesMax: 64 * MEBI,
  attemptsMax: 3,
  poisonsMax: 100,
  time: { aheadMsMax: 5 * 60_000, ageMsMax: null },
  dedupe: DEDUPE_DEFAULT,
  latency: null,
  retryAfterMs: 50,
  // Longer than a zombie's coordinator takes to tell it, so that two owners do not claim against each other for long.
  retakeAfterMs: 250,
}
