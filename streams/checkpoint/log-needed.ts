/** How long the input log must be kept for checkpoints to be of use. */
import type { CheckpointSettings } from './checkpointed-store.ts'

/** Time to notice that checkpoints are not made any more, and to mend it, before the log no longer reaches back to the last one. */
const MARGIN_MS = 24 * 3_600_000

/**
 * Milliseconds of log without which the oldest checkpoint kept may be of no use: its age, reached just before the next whole one is made, and the
 * margin. Shorter retention than this is refused.
 */
export const logNeededMs = ({ everyMs, additionsMax, keep }: CheckpointSettings): number =>
  everyMs * (additionsMax + 1) * (keep + 1) + MARGIN_MS
