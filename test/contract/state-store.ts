/** What every `StateStore` must do. Adapters call this with a way to make a fresh store and to open it again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StateCommit, StateStore } from '#streams/ports.ts'

export interface StateStoreFactory {
  readonly name: string
  create(): Promise<StateStore>
  /** Closes and opens it again over the same place; absent where nothing outlives the process. */
  readonly reopen?: (store: StateStore) => Promise<StateStore>
  destroy(store: StateStore): Promise<void>
}

const hash = (digit: string): string => digit.repeat(64)
const commit = (partition: number, from: number, to: number, epoch: number, states: Record<string, string | null>): StateCommit => ({
  partition,
  from,
  to,
  epoch,
  chainHash: hash('a'),
  decisionsOffset: to + 1,
  states: new Map(Object.entries(states).map(([key, value]) => [key, value === null ? null : new TextEncoder().encode(value)])),
})

export const stateStoreContract = (factory: StateStoreFactory): void => {
  describe(`state store contract: ${factory.name}`, () => {
    let store: StateStore
    beforeEach(async () => {
      store = await factory.create()
    })
    afterEach(() => factory.destroy(store))
    const load = async (partition: number, ...keys: string[]) =>
      (await store.load(partition, keys)).map((state) => state && new TextDecoder().decode(state))

    it('a partition nobody owned stands at the start', async () => {
      expect(await store.claim(0, 5)).toEqual({ offset: 0, epoch: 5, chainHash: hash('0'), decisionsOffset: 0 })
      expect(await load(0, 'nobody')).toEqual([undefined])
    })

    it('a commit stores states, offset, chain hash and adoption position together', async () => {
      await store.claim(0, 1)
      await store.commit([commit(0, 0, 10, 1, { a: 'A', b: 'B' })])
      expect(await load(0, 'b', 'x', 'a')).toEqual(['B', undefined, 'A'])
      expect(await store.claim(0, 2)).toEqual({ offset: 10, epoch: 2, chainHash: hash('a'), decisionsOffset: 11 })
    })

    it('the bytes of a commit may be overwritten once it is done', async () => {
      await store.claim(0, 1)
      const made = commit(0, 0, 1, 1, { a: 'first', b: 'other' })
      await store.commit([made])
      for (const bytes of made.states.values()) bytes?.fill(0)
      expect(await load(0, 'a', 'b')).toEqual(['first', 'other'])
    })

    it('a visit hands over what a load returns, in its order, and is refused where a load is', async () => {
      if (store.visit === undefined) return
      await store.claim(0, 3)
      await store.commit([commit(0, 0, 2, 3, { a: 'A', long: 'L'.repeat(70_000) })])
      const seen: [number, string | undefined][] = []
      store.visit(0, ['long', 'nobody', 'a'], { epoch: 3, offset: 2 }, (i, record) => {
        seen.push([i, record && new TextDecoder().decode(record)])
      })
      expect(seen).toEqual([
        [0, 'L'.repeat(70_000)],
        [1, undefined],
        [2, 'A'],
      ])
      expect(() => store.visit?.(0, ['a'], { epoch: 2, offset: 2 }, () => {})).toThrow(expect.objectContaining({ name: 'StaleCommit' }))
      expect(() => store.visit?.(0, ['a'], { epoch: 3, offset: 3 }, () => {})).toThrow(expect.objectContaining({ name: 'StaleCommit' }))
    })

    it('a commit that does not begin where the store stands changes nothing', async () => {
      await store.claim(0, 1)
      await store.commit([commit(0, 0, 10, 1, { a: 'A' })])
      await expect(store.commit([commit(0, 9, 12, 1, { a: 'wrong', b: 'wrong' })])).rejects.toMatchObject({
        name: 'StaleCommit',
        code: 'stale-commit',
        partition: 0,
      })
      expect(await load(0, 'a', 'b')).toEqual(['A', undefined])
      await store.commit([commit(0, 10, 12, 1, { a: 'right' })])
      expect(await load(0, 'a')).toEqual(['right'])
    })

    it('an older epoch can neither commit nor claim', async () => {
      await store.claim(0, 1)
      await store.claim(0, 7)
      await expect(store.commit([commit(0, 0, 3, 1, { a: 'zombie' })])).rejects.toMatchObject({ code: 'fenced' })
      await expect(store.claim(0, 6)).rejects.toMatchObject({ code: 'fenced' })
      expect(await load(0, 'a')).toEqual([undefined])
    })

    it('a refused partition is named and stays as it was, whatever goes with it', async () => {
      await store.claim(0, 1)
      await store.claim(1, 1)
      await expect(store.commit([commit(0, 0, 1, 1, { a: 'A' }), commit(1, 4, 5, 1, { b: 'B' })])).rejects.toMatchObject({
        code: 'stale-commit',
        partition: 1,
      })
      expect(await load(1, 'b')).toEqual([undefined])
      expect((await store.claim(1, 2)).offset).toBe(0)
      const [state] = await load(0, 'a')
      const { offset } = await store.claim(0, 2)
      expect([
        [0, undefined],
        [1, 'A'],
      ]).toContainEqual([offset, state])
    })

    it('states are loaded only under the owner’s epoch, and from where it left the store or further on', async () => {
      const at = (epoch: number, offset: number) =>
        store.load(0, ['a'], { epoch, offset }).then(([state]) => state && new TextDecoder().decode(state))
      await store.claim(0, 3)
      expect(await at(3, 0)).toBeUndefined()
      await store.commit([commit(0, 0, 10, 3, { a: 'A' })])
      expect([await at(3, 0), await at(3, 10)]).toEqual(['A', 'A'])
      await expect(at(3, 11)).rejects.toMatchObject({ name: 'StaleCommit', code: 'stale-commit', partition: 0 })
      await expect(at(2, 10)).rejects.toMatchObject({ name: 'StaleCommit', code: 'fenced', partition: 0 })
      await store.claim(0, 4)
      await expect(at(3, 10)).rejects.toMatchObject({ code: 'fenced' })
      expect(await at(4, 10)).toBe('A')
    })

    it('null removes an entity', async () => {
      await store.claim(0, 1)
      await store.commit([commit(0, 0, 1, 1, { a: 'A', b: 'B' })])
      await store.commit([commit(0, 1, 2, 1, { a: null })])
      expect(await load(0, 'a', 'b')).toEqual([undefined, 'B'])
    })

    it('the same key in two partitions is two entities', async () => {
      await store.claim(0, 1)
      await store.claim(1, 1)
      await store.commit([commit(0, 0, 1, 1, { a: 'zero' }), commit(1, 0, 1, 1, { a: 'one' })])
      expect([await load(0, 'a'), await load(1, 'a')]).toEqual([['zero'], ['one']])
    })

    it('commits issued without waiting take effect in their order', async () => {
      await store.claim(0, 1)
      await Promise.all(Array.from({ length: 50 }, (_, i) => store.commit([commit(0, i, i + 1, 1, { a: `${i}`, [`k${i}`]: 'x' })])))
      expect(await load(0, 'a', 'k0', 'k49')).toEqual(['49', 'x', 'x'])
    })

    it.runIf(factory.reopen !== undefined)('what was committed is there after reopening', async () => {
      await store.claim(3, 1)
      await store.commit([commit(3, 0, 10, 1, { a: 'A' })])
      store = await (factory.reopen as NonNullable<typeof factory.reopen>)(store)
      expect(await load(3, 'a')).toEqual(['A'])
      expect(await store.claim(3, 4)).toEqual({ offset: 10, epoch: 4, chainHash: hash('a'), decisionsOffset: 11 })
    })
  })
}
