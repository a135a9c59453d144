/** Which segments may go. Pure: the caller holds the files. */
import type { EpochMs } from '#schemas/units.ts'

/** Kept for ever unless one of the limits is set; a segment goes when it is past either limit and everybody is done with it. */
export interface RetentionPolicy {
  readonly ageMsMax?: number
  readonly bytesMax?: number
  /** Consumers that must have released offsets before anything may go: a missing one holds everything. */
  readonly consumers: readonly string[]
}

export interface SegmentFacts {
  readonly bytes: number
  /** Append time of the segment's last frame. */
  readonly appendedAt: EpochMs
  /** Next offset per partition where the segment ends. */
  readonly endOffsets: readonly number[]
}

/**
 * How many of the oldest sealed segments may be deleted. `released` maps consumers to the offsets (exclusive, per partition) they have
 * finished with.
 */
export const expendable = (
  sealed: readonly SegmentFacts[],
  released: ReadonlyMap<string, readonly number[]>,
  policy: RetentionPolicy,
  now: EpochMs,
): number => {
  if (policy.ageMsMax === undefined && policy.bytesMax === undefined) return 0
  if (policy.consumers.some((name) => !released.has(name))) return 0
  let bytes = sealed.reduce((sum, segment) => sum + segment.bytes, 0)
  let count = 0
  for (const segment of sealed) {
    const old = policy.ageMsMax !== undefined && now - segment.appendedAt > policy.ageMsMax
    const over = policy.bytesMax !== undefined && bytes > policy.bytesMax
    const done = [...released.values()].every((offsets) => segment.endOffsets.every((end, p) => end <= (offsets[p] ?? 0)))
    if (!(old || over) || !done) break
    bytes -= segment.bytes
    count++
  }
  return count
}
