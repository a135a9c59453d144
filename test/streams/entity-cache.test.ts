import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openStateStore } from '#streams/embedded/state-store.ts'
import { MemoryStateStore } from '#streams/embedded/memory-state-store.ts'
import { EntityCache } from '#streams/pipeline/entity-cache.ts'
import type { StateStore } from '#streams/ports.ts'
import { tinyFeatureSet } from './support/embedded.ts'

/** So short that both limits push entries out. */
const LIMITS = { horizonMs: 400_000, entriesMax: 64 }
/** Room for about ten applicants of forty. */
const BYTES_MAX = 12_000

/** Applicants of batches; after each a commit is taken, which may be under way during the next. Some come often: their rings grow long. */
const batches = fc.array(fc.array(fc.oneof(fc.nat(3), fc.nat(39)), { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
})

const check = async (store: StateStore, applicants: readonly (readonly number[])[]): Promise<void> => {
  await store.claim(0, 1)
  let at = 0
  const cache = new EntityCache(tinyFeatureSet, store, 1, BYTES_MAX)
  cache.open(0, () => ({ epoch: 1, offset: 0 }))
  const seen = new Map<string, { touched: number; list: { id: number; at: number }[] }>()
  let under: Promise<void> | undefined
  let event = 0
  for (const batch of applicants) {
    const keys = [...new Set(batch)].map((n) => `c${n}`)
    await cache.load(0, keys)
    for (const key of keys) {
      const { ring, state } = cache.change(0, key)
      const expected = seen.get(key) ?? { touched: 0, list: [] }
      expect(Array.from({ length: ring.count }, (_, i) => ring.words[i * 7])).toEqual(expected.list.map(({ id }) => id))
      expect(state[0]).toBe(expected.touched % 256)
      for (let n = 0; n <= event % 9; n++) {
        const at = ++event
        ring.add({ low: at, high: 0 }, { low: 0, high: 0 }, at, at * 1000, LIMITS)
        const alive = expected.list.filter((entry) => entry.at >= at - LIMITS.horizonMs / 1000)
        expected.list = [...alive, { id: at, at }].slice(-LIMITS.entriesMax)
      }
      state[0] = ++expected.touched % 256
      seen.set(key, expected)
    }
    await under
    const taken = cache.takeDirty()
    const commit = { partition: 0, from: at, to: ++at, epoch: 1, chainHash: '0'.repeat(64), decisionsOffset: 0 }
    under = store.commit([{ ...commit, states: taken.states[0] ?? new Map<string, Uint8Array>() }]).then(() => cache.committed(taken))
    cache.trim()
  }
  await under
  for (let turns = 0; turns < 20; turns++) cache.trim()
  expect(cache.bytes).toBeLessThanOrEqual(BYTES_MAX)
}

it('an applicant who left the cache comes back as it was, whoever had its memory meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(batches, async (applicants) => {
      const folder = mkdtempSync(join(tmpdir(), 'entity-cache-'))
      const lmdb = openStateStore({ folder })
      try {
        await check(lmdb, applicants)
        // Loads as the stores on servers do: not at once, and with copies.
        await check(new MemoryStateStore(), applicants)
      } finally {
        await lmdb.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 20 },
  )
})
