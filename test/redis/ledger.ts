/**
 * A fold whose right answer is known at every offset: commit `n` (from n to n + 1) writes `n` into two of its keys and, now and then, removes one.
 * What a store holds at an offset can so be checked against nothing but arithmetic.
 */
import { RetryableFailure } from '#streams/failure.ts'
import type { StateCommit, StateStore } from '#streams/ports.ts'

const keysOf = (n: number): readonly string[] => [`a${n % 7}`, `b${n % 131}`]
const removedAt = (n: number): string | undefined => (n % 5 === 4 ? `a${(n + 3) % 7}` : undefined)
const KEYS: readonly string[] = [...Array.from({ length: 7 }, (_, i) => `a${i}`), ...Array.from({ length: 131 }, (_, i) => `b${i}`)]

export const ledgerCommit = (partition: number, epoch: number, n: number): StateCommit => {
  const states = new Map<string, Uint8Array | null>(keysOf(n).map((key) => [key, Buffer.from(`${n} ${key}`)]))
  const removed = removedAt(n)
  if (removed !== undefined) states.set(removed, null)
  return { partition, from: n, to: n + 1, epoch, chainHash: String(n % 10).repeat(64), decisionsOffset: n + 5, states }
}

/** What every key must hold at `offset`. */
const expectedAt = (offset: number): Map<string, string> => {
  const held = new Map<string, string>()
  for (let n = 0; n < offset; n++) {
    for (const key of keysOf(n)) held.set(key, `${n} ${key}`)
    const removed = removedAt(n)
    if (removed !== undefined) held.delete(removed)
  }
  return held
}

/** Keys whose state is not the fold of exactly the commits below `offset`; empty where all is well. */
export const wrongAt = async (store: StateStore, partition: number, offset: number): Promise<readonly string[]> => {
  const expected = expectedAt(offset)
  const found = await store.load(partition, KEYS)
  return KEYS.flatMap((key, i) => {
    const text = found[i] === undefined ? undefined : Buffer.from(found[i]).toString()
    return text === expected.get(key) ? [] : [`${key}: ${text} instead of ${expected.get(key)}`]
  })
}

/** As the engine does: the same call again after a retryable failure. */
export const persist = async <Result>(run: () => Promise<Result>, retries = { count: 0 }): Promise<Result> => {
  for (;;) {
    try {
      return await run()
    } catch (failure) {
      if (!(failure instanceof RetryableFailure)) throw failure
      retries.count++
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}

/** Commits from `from` on until told to stop; answers the offset reached. */
export const workOn = async (
  store: StateStore,
  partition: number,
  epoch: number,
  from: number,
  more: (n: number) => boolean,
): Promise<number> => {
  let n = from
  for (; more(n); n++) await persist(() => store.commit([ledgerCommit(partition, epoch, n)]))
  return n
}
