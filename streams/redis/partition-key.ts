/**
 * The key of each partition's hash. What stands in braces alone decides its slot in a cluster; it is chosen so that the partitions' slots lie
 * evenly over all 16,384: every node, whatever their number, has its share of the partitions.
 */

const SLOTS = 16_384
/** Tags tried before giving up; all slots are met after about 16,384 · ln 16,384 ≈ 160,000 of them. */
const TRIES_MAX = 4_000_000

/** Slot of a key without braces: CRC-16/XMODEM (polynomial 0x1021, start 0) modulo 16,384, as the Redis Cluster specification has it. */
export const slotOf = (tag: string): number => {
  let crc = 0
  for (let i = 0; i < tag.length; i++) {
    crc ^= tag.charCodeAt(i) << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc % SLOTS
}

/** One tag a partition: the shortest whose slot is the middle of that partition's share of the slots. */
const tagsOf = (partitions: number): readonly string[] => {
  const wanted = new Map(Array.from({ length: partitions }, (_, p) => [Math.floor(((p + 0.5) * SLOTS) / partitions), p]))
  if (wanted.size !== partitions) throw new RangeError(`${partitions} partitions do not fit ${SLOTS} slots: use at most ${SLOTS}`)
  const tags: string[] = []
  let missing = partitions
  for (let n = 0; missing > 0 && n < TRIES_MAX; n++) {
    const tag = n.toString(36)
    const partition = wanted.get(slotOf(tag))
    if (partition === undefined || tags[partition] !== undefined) continue
    tags[partition] = tag
    missing--
  }
  return tags
}

/**
 * `prefix:{tag}:records:feature set:partition/partitions`: another feature set or number of partitions begins with an empty store. So did this release, after
 * `state` in place of `records`, whose records were packed otherwise.
 */
export const partitionKeys = (prefix: string, featureSetHash: string, partitions: number): readonly string[] =>
  tagsOf(partitions).map((tag, partition) => `${prefix}:{${tag}}:records:${featureSetHash.slice(0, 12)}:${partition}/${partitions}`)
