/**
 * Copies a partition while it is worked on, without holding anybody up: all records (or those changed since the last copy), then those changed
 * meanwhile, and so on, until so few are left that what commits write during the last round can be kept in memory. The pages, in their order, then make
 * up the state at the last commit of that round.
 */
import type { PartitionState } from '../ports.ts'
import { type ChangedKeys, type Changes, CopyAbandoned } from './changes.ts'
import type { CopyableStateStore, RecordPage } from './ports.ts'

const PAGE_KEYS = 1024
/** Rounds shrink as long as copying is faster than changing; after so many the rest is taken in one, whatever its size. */
const ROUNDS_MAX = 8
const LAST_ROUND_KEYS_MAX = 4 * PAGE_KEYS

export interface PartitionCopy {
  readonly pages: AsyncIterable<RecordPage>
  /** Known once the pages have come to their end. */
  readonly position: () => PartitionState
}

/** `first`: the keys to begin with, or all records. */
export const copyPartition = (
  store: CopyableStateStore,
  partition: number,
  changes: Changes,
  first: Set<string> | 'all',
): PartitionCopy => {
  let reached: PartitionState | undefined
  async function* pages(): AsyncGenerator<RecordPage> {
    let keys: Set<string> | 'all' = first
    for (let round = 1; ; round++) {
      // Reading may begin some time after the keys were gathered. From this line on, what changes is either captured or the next round's.
      keys = union(keys, changes.take())
      const last = round >= ROUNDS_MAX || (keys !== 'all' && keys.size <= LAST_ROUND_KEYS_MAX)
      if (last) changes.capture()
      if (keys === 'all') yield* store.scan(partition)
      else yield* loadPages(store, partition, [...keys])
      if (last) break
      keys = new Set()
    }
    await requireOwned(store, partition, changes)
    const { page, position } = await changes.cut()
    if (page.size > 0) yield page
    reached = position
  }
  return {
    pages: pages(),
    position: () => {
      if (reached === undefined) throw new Error(`partition ${partition} is not copied yet`)
      return reached
    },
  }
}

const union = (keys: Set<string> | 'all', changed: ChangedKeys): Set<string> | 'all' =>
  keys === 'all' || changed === 'too many' ? 'all' : new Set([...keys, ...changed])

async function* loadPages(store: CopyableStateStore, partition: number, keys: readonly string[]): AsyncGenerator<RecordPage> {
  for (let at = 0; at < keys.length; at += PAGE_KEYS) {
    const some = keys.slice(at, at + PAGE_KEYS)
    const records = await store.load(partition, some)
    yield new Map(some.map((key, i) => [key, records[i] ?? null]))
  }
}

/** A successor's commits among the pages would mix two moments: whoever is succeeded, or stands on a store that fell back, has copied in vain. */
const requireOwned = async (store: CopyableStateStore, partition: number, { epoch, position }: Changes): Promise<void> => {
  const stored = await store.position(partition)
  if (stored?.epoch === epoch && stored.offset >= position.offset) return
  throw new CopyAbandoned()
}
