/** Where the table rows of the blocks are added up, and which of those lanes belong to which feature. */
import type { Block } from './blocks.ts'

/** Players in a quad of float32; a table row is two quads. */
export const QUAD = 4
const QUAD_BYTES = 16
const LANE_BYTES = 4
/** Blocks per segment, a multiple of 16: their accumulators stay below the 64 KiB that u16 offsets reach. */
const SEGMENT_BLOCKS = 1024

/** A run of consecutive blocks with accumulators of its own. */
export interface Segment {
  readonly first: number
  /** A multiple of 16; blocks beyond the last real one have empty tables. */
  readonly count: number
  /** Byte offset of the accumulator each block's first quad is added to; blocks with the same first four players in a row share one. */
  readonly shared: Uint16Array
  readonly sharedBytes: number
  /** Byte offsets of lanes, feature by feature, padded to four a feature with a lane that stays zero. */
  readonly lanes: Uint16Array
  /** Entries of each feature in `lanes`. */
  readonly lengths: Uint16Array
}

const segmentOf = (blocks: readonly Block[], first: number, count: number, features: number): Segment => {
  const lists = Array.from({ length: features }, (): number[] => [])
  const shared = new Uint16Array(count)
  // Quad 0 stays zero: padding reads it.
  let quads = 1
  let previous = ''
  for (let i = 0; i < count; i++) {
    const players = (blocks[first + i]?.players ?? []).slice(0, QUAD)
    const key = players.join()
    if (players.length === 0) continue
    if (key !== previous) {
      for (const [lane, feature] of players.entries()) lists[feature]!.push(quads * QUAD_BYTES + lane * LANE_BYTES)
      quads++
      previous = key
    }
    shared[i] = (quads - 1) * QUAD_BYTES
  }
  const sharedBytes = quads * QUAD_BYTES
  for (let i = 0; i < count; i++)
    for (const [lane, feature] of (blocks[first + i]?.players ?? []).slice(QUAD).entries())
      lists[feature]!.push(sharedBytes + i * QUAD_BYTES + lane * LANE_BYTES)
  const padded = lists.map((list) => [...list, ...Array.from({ length: -list.length & 3 }, () => 0)])
  return {
    first,
    count,
    shared,
    sharedBytes,
    lanes: Uint16Array.from(padded.flat()),
    lengths: Uint16Array.from(padded, (list) => list.length),
  }
}

/** @param padded number of blocks rounded up to a multiple of 16. */
export const accumulatorPlan = (blocks: readonly Block[], padded: number, features: number): Segment[] => {
  const segments: Segment[] = []
  for (let first = 0; first < padded; first += SEGMENT_BLOCKS)
    segments.push(segmentOf(blocks, first, Math.min(SEGMENT_BLOCKS, padded - first), features))
  return segments
}
