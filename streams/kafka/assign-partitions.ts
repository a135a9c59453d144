/** Who gets which partition, by the classic protocol, where the members' leader decides: even, and with as little moving as can be. Pure. */

export interface Candidate {
  readonly memberId: string
  readonly owned: readonly number[]
  /** Of which `owned` speaks: an older claim to a partition yields to a newer one. */
  readonly generation: number
}

/** Target: counts differ by at most one, and nobody gives up more than that asks for. */
const evenShares = (candidates: readonly Candidate[], partitions: number): Map<string, number[]> => {
  const owner = ownersOf(candidates, partitions)
  const ids = candidates.map(({ memberId }) => memberId).sort()
  const held = new Map(ids.map((id) => [id, [...owner].filter(([, one]) => one === id).map(([partition]) => partition)]))
  // Those that hold most keep the larger shares.
  const byHolding = ids.toSorted((a, b) => (held.get(b) as number[]).length - (held.get(a) as number[]).length)
  const base = Math.floor(partitions / ids.length)
  const larger = partitions % ids.length
  const shares = new Map(byHolding.map((id, rank) => [id, (held.get(id) as number[]).slice(0, base + (rank < larger ? 1 : 0))]))
  const placed = new Set([...shares.values()].flat())
  const free = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => !placed.has(partition))
  for (const [rank, id] of byHolding.entries()) {
    const share = shares.get(id) as number[]
    while (share.length < base + (rank < larger ? 1 : 0)) share.push(free.shift() as number)
  }
  return shares
}

const ownersOf = (candidates: readonly Candidate[], partitions: number): Map<number, string> => {
  const owner = new Map<number, string>()
  const oldestFirst = candidates.toSorted((a, b) => a.generation - b.generation || (a.memberId < b.memberId ? 1 : -1))
  for (const { memberId, owned } of oldestFirst) for (const partition of owned) if (partition < partitions) owner.set(partition, memberId)
  return owner
}

/**
 * What to give out now: a partition that has an owner and is to have another goes to nobody yet; the owner, given less than it holds, lets
 * go and joins again, and then it is free (KIP-429, incremental cooperative rebalancing).
 */
export const assignPartitions = (candidates: readonly Candidate[], partitions: number): Map<string, number[]> => {
  const owner = ownersOf(candidates, partitions)
  const shares = evenShares(candidates, partitions)
  for (const [id, share] of shares)
    shares.set(
      id,
      share.filter((partition) => (owner.get(partition) ?? id) === id).sort((a, b) => a - b),
    )
  return shares
}
