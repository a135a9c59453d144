import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assignPartitions, type Candidate } from '#streams/kafka/assign-partitions.ts'

const candidates = fc.uniqueArray(
  fc.record({
    memberId: fc.string({ minLength: 1, maxLength: 4 }),
    owned: fc.uniqueArray(fc.nat(15), { maxLength: 16 }),
    generation: fc.nat(3),
  }),
  { minLength: 1, maxLength: 6, selector: ({ memberId }) => memberId },
)
const PARTITIONS = 12

/** Each member lets go of what it was not given again, and joins with what it has. */
const nextRound = (members: readonly Candidate[], given: ReadonlyMap<string, readonly number[]>, generation: number): Candidate[] =>
  members.map(({ memberId }) => ({ memberId, owned: given.get(memberId) ?? [], generation }))

it('no partition is given to two, whatever the members claim', () => {
  fc.assert(
    fc.property(candidates, (members) => {
      const given = [...assignPartitions(members, PARTITIONS).values()].flat()
      expect(new Set(given).size).toBe(given.length)
    }),
  )
})

it('a partition is given to a member only if nobody with a newer claim holds it', () => {
  fc.assert(
    fc.property(candidates, (members) => {
      for (const [id, share] of assignPartitions(members, PARTITIONS))
        for (const partition of share) {
          const holders = members.filter(({ owned }) => owned.includes(partition))
          const newest = Math.max(-1, ...holders.map(({ generation }) => generation))
          if (holders.length > 0) expect(holders.some(({ memberId, generation }) => memberId === id && generation === newest)).toBe(true)
        }
    }),
  )
})

it('two rounds share out every partition, evenly, and a third changes nothing', () => {
  fc.assert(
    fc.property(candidates, (members) => {
      const second = nextRound(members, assignPartitions(members, PARTITIONS), 5)
      const given = assignPartitions(second, PARTITIONS)
      const sizes = [...given.values()].map((share) => share.length)
      expect(sizes.reduce((a, b) => a + b)).toBe(PARTITIONS)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      expect(assignPartitions(nextRound(second, given, 6), PARTITIONS)).toEqual(given)
    }),
  )
})
