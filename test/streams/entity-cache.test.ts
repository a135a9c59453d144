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

const LIMITS = { horizonMs: 1e12, entriesMax: 64 }
/** Room for about ten applicants of forty. */
const BYTES_MAX = 8_000

/** Events of applicants in batches; after each batch a commit is taken, and it is done before the batch after next or at once. */
const batches = fc.array(fc.array(fc.nat(39), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 60 })

const check = async (store: StateStore, applicants: readonly (readonly number[])[]): Promise<void> => {
  await store.claim(0, 1)
  let at = 0
  const cache = new EntityCache(tinyFeatureSet, store, 1, BYTES_MAX)
  cache.open(0, () => ({ epoch: 1, offset: 0 }))
  const seen = new Map<string, number[]>()
  let under: Promise<void> | undefined
  let event = 0
  for (const batch of applicants) {
    const keys = [...new Set(batch)].map((n) => `c${n}`)
    await cache.load(0, keys)
    for (const key of keys) {
      const { ring, state } = cache.change(0, key)
      const events = seen.get(key) ?? []
      expect(Array.from({ length: ring.count }, (_, i) => ring.words[i * 7])).toEqual(events.slice(-64))
      expect(state[0]).toBe(events.length % 256)
      ring.add({ low: ++event, high: 0 }, { low: 0, high: 0 }, event, 1_000, LIMITS)
      state[0] = (events.length + 1) % 256
      seen.set(key, [...events, event])
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
        await check(new MemoryStateStore(), applicants)
      } finally {
        await lmdb.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 20 },
  )
})
