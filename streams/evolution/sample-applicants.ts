/** Applicants of a partition drawn by the hash of their key: evenly, and the same ones whoever draws. */
import { type Hash64, hashBytes } from '../hash64.ts'
import type { EventLog } from '../ports.ts'

const PAGE_BYTES = 1024 * 1024

interface Drawn {
  readonly key: string
  readonly rank: number
}

/** At most `max` of those with a record below `until`; `pause` is called between pages. */
export const sampleApplicants = async (
  log: EventLog,
  partition: number,
  until: number,
  max: number,
  pause: () => Promise<unknown>,
): Promise<ReadonlySet<string>> => {
  const hash: Hash64 = { high: 0, low: 0 }
  const drawn = new Map<string, Drawn>()
  let highest = Infinity
  for (let next = log.start('credit-events')[partition] ?? 0; next < until;) {
    const records = await log.read('credit-events', partition, next, PAGE_BYTES)
    if (records.length === 0) break
    for (const { key, offset } of records) {
      next = offset + 1
      if (offset >= until) break
      hashBytes(key, hash)
      const rank = hash.high >>> 0
      if (rank > highest) continue
      const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
      drawn.set(name, { key: name, rank })
      if (drawn.size >= 2 * max) {
        const kept = [...drawn.values()].toSorted((a, b) => a.rank - b.rank).slice(0, max)
        drawn.clear()
        for (const one of kept) drawn.set(one.key, one)
        highest = kept.at(-1)?.rank ?? Infinity
      }
    }
    await pause()
  }
  const all = [...drawn.values()].toSorted((a, b) => a.rank - b.rank || (a.key < b.key ? -1 : 1))
  return new Set(all.slice(0, max).map(({ key }) => key))
}
