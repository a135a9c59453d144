import fc from 'fast-check'
import { expect, it } from 'vitest'
import { InFlightIndex, type InFlight } from '#streams/in-flight.ts'

const PARTITIONS = 3

/** Few identities, whose low words collide in any table: what is found must not depend on where it lies. */
const identity = fc.record({
  low: fc.constantFrom(0, 1, 2, 1023, 1024, 2047, 2048, 4095, 0xffffffff),
  high: fc.integer({ min: 0, max: 3 }),
})
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), identity, partition: fc.nat(PARTITIONS - 1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fold' as const),
      partition: fc.nat(PARTITIONS - 1),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
)

it('finds exactly what a map of texts would, over random additions, refusals and folds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const index = new InFlightIndex(PARTITIONS)
      const model = new Map<string, { entry: InFlight; partition: number; offset: number }>()
      const ends = [0, 0, 0]
      const positions = new Map([0, 1, 2].map((partition) => [partition, 0]))
      for (const one of steps)
        if (one.kind === 'add') {
          const key = `${one.identity.low} ${one.identity.high}`
          const held = model.get(key)
          expect(index.find(one.identity)).toBe(held?.entry)
          if (held !== undefined) continue
          const offset = ends[one.partition]!++
          const entry = index.add(one.identity, { low: offset, high: 7 }, one.partition, Promise.resolve([]), offset)
          index.acknowledged(entry, offset)
          model.set(key, { entry, partition: one.partition, offset })
        } else if (one.kind === 'forget') {
          // What was never acknowledged is forgotten by hand: here one that is added for it.
          const unknown = { low: one.pick >>> 0, high: 9 }
          const entry = index.add(unknown, unknown, 0, Promise.resolve([]), 0)
          expect(index.find(unknown)).toBe(entry)
          index.forget(entry)
          expect(index.find(unknown)).toBeUndefined()
        } else {
          positions.set(one.partition, Math.max(positions.get(one.partition)!, Math.floor(one.share * ends[one.partition]!)))
          index.folded(positions)
          for (const [key, { partition, offset }] of model) if (offset < positions.get(partition)!) model.delete(key)
        }
      expect(index.size).toBe(model.size)
      for (const [key, { entry, partition, offset }] of model) {
        const [low, high] = key.split(' ').map(Number)
        expect(index.find({ low: low!, high: high! })).toBe(entry)
        expect([index.partition(entry), index.index(entry)]).toEqual([partition, offset])
        expect(index.isContent(entry, { low: offset, high: 7 })).toBe(true)
        expect(index.isContent(entry, { low: offset, high: 8 })).toBe(false)
      }
    }),
  )
})

it('grows beyond its first arrays and is empty again once all is folded', async () => {
  const index = new InFlightIndex(1)
  const appended = Promise.resolve(Array.from({ length: 10_000 }, (_, i) => i))
  for (let i = 0; i < 10_000; i++)
    index.acknowledged(index.add({ low: Math.imul(i, 2654435761) >>> 0, high: i }, { low: i, high: 0 }, 0, appended, i), i)
  expect(index.size).toBe(10_000)
  expect(await index.offset(index.find({ low: Math.imul(9_999, 2654435761) >>> 0, high: 9_999 })!)).toBe(9_999)
  index.folded(new Map([[0, 4_000]]))
  expect(index.size).toBe(6_000)
  expect(index.find({ low: Math.imul(3_999, 2654435761) >>> 0, high: 3_999 })).toBeUndefined()
  expect(index.find({ low: Math.imul(4_000, 2654435761) >>> 0, high: 4_000 })).toBeDefined()
  // Of a partition that is another process's, everything.
  index.folded(new Map())
  expect(index.size).toBe(0)
})
