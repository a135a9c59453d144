import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DedupeRing, type DedupeLimits } from '#streams/dedupe-ring.ts'
import { decodeEntity, encodeEntity, newEntity, recordBytesMax } from '#streams/entity-record.ts'
import { joinOlder, olderBytesMax, settleOlder, writeOlder } from '#streams/older-entries.ts'
import { recordMemory } from '#streams/record-memory.ts'
import { hashBytes, hashPair, type Hash64 } from '#streams/hash64.ts'

const limits: DedupeLimits = { horizonMs: 100_000, entriesMax: 8 }
const hashed = (text: string): Hash64 => {
  const out = { high: 0, low: 0 }
  hashBytes(Buffer.from(text), out)
  return out
}

it('the ring answers as a plain list of the last entries within the horizon does', () => {
  const step = fc.record({ id: fc.nat(12).map(String), content: fc.nat(2).map(String), waitS: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ring = new DedupeRing()
      let list: { id: string; content: string; offset: number; at: number }[] = []
      let now = 1_700_000_000_000
      let overflow = 0
      steps.forEach(({ id, content, waitS }, offset) => {
        now += waitS * 1000
        const alive = list.filter((e) => e.at >= now - limits.horizonMs)
        const held = alive.findLast((e) => e.id === id)
        const expected =
          held === undefined ? { kind: 'new' } : { kind: held.content === content ? 'duplicate' : 'conflict', offset: held.offset }
        expect(ring.look(hashed(id), hashed(content), now, limits)).toEqual(expected)
        if (held !== undefined) return
        ring.add(hashed(id), hashed(content), offset, now, limits)
        list = [...alive, { id, content, offset, at: now }]
        if (list.length > limits.entriesMax) {
          list = list.slice(1)
          overflow++
        }
        expect(ring.count).toBe(list.length)
        expect(ring.overflow).toBe(overflow)
      })
    }),
  )
})

it('an offset beyond 2^32 is kept exactly', () => {
  const ring = new DedupeRing()
  ring.add(hashed('a'), hashed('b'), 2 ** 40 + 12345, 5_000_000, limits)
  expect(ring.look(hashed('a'), hashed('b'), 5_000_000, limits)).toEqual({ kind: 'duplicate', offset: 2 ** 40 + 12345 })
})

it('an entity record restores what was encoded and keeps to its declared size', () => {
  const hash = Buffer.alloc(32, 7)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(8), fc.boolean(), fc.double(), (state, entries, erased, newest) => {
      const entity = { ...newEntity(state), erased, newestEventTime: newest }
      for (let i = 0; i < entries; i++) entity.ring.add(hashed(`${i}`), hashed('c'), i, 1_000_000 + i * 1000, limits)
      const bytes = encodeEntity(entity, hash)
      expect(bytes.length).toBeLessThanOrEqual(recordBytesMax(16, entries))
      const back = decodeEntity(bytes, hash, 16, 'here')
      expect(back.state).toEqual(state)
      expect(back).toMatchObject({ erased, newestEventTime: newest })
      expect(encodeEntity(back, hash).equals(bytes)).toBe(true)
    }),
  )
})

it('a record of another feature set, or cut short, is refused with the remedy', () => {
  const bytes = encodeEntity(newEntity(new Uint8Array(16)), Buffer.alloc(32, 7))
  expect(() => decodeEntity(bytes, Buffer.alloc(32, 8), 16, 'applicant c1')).toThrow(
    /applicant c1.*feature set 0707.*rebuilds it from the log/s,
  )
  expect(() => decodeEntity(bytes.subarray(0, 32), Buffer.alloc(32, 7), 16, 'x')).toThrow(/does not fit/)
  expect(() => decodeEntity(bytes.subarray(0, 30), Buffer.alloc(32, 7), 16, 'x')).toThrow(/not an entity record/)
  expect(() => decodeEntity(bytes, Buffer.alloc(32, 7), 20, 'x')).toThrow(/does not fit/)
})

it('damage is refused or leaves an entity of the right size: no byte of a record is trusted', () => {
  const hash = Buffer.alloc(32, 7)
  const entity = newEntity(Uint8Array.from({ length: 64 }, (_, i) => (i % 3 === 0 ? i : 0)))
  for (let i = 0; i < 5; i++) entity.ring.add(hashed(`${i}`), hashed('c'), i, 1_000_000 + i * 1000, limits)
  const whole = encodeEntity(entity, hash)
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(3), (at, value, cut) => {
      const damaged = Buffer.from(whole.subarray(0, whole.length - cut))
      if (at < damaged.length) damaged[at] = value
      try {
        expect(decodeEntity(damaged, hash, 64, 'here').state).toHaveLength(64)
      } catch (failure) {
        expect(failure).toMatchObject({ code: 'state-corrupt' })
      }
    }),
  )
})

it('a record as earlier releases wrote them is read', () => {
  const record = Buffer.alloc(24 + 28 + 36 + 16)
  record.set([0x45, 1, 1, 0])
  record.writeUInt32LE(1, 4)
  record.writeUInt32LE(3, 8)
  record.writeUInt32LE(1, 12)
  record.writeDoubleLE(1_234.5, 16)
  for (let word = 0; word < 7; word++) record.writeUInt32LE(word + 1, 24 + 4 * word)
  record.fill(7, 52, 84)
  record.writeUInt32LE(16, 84)
  record.fill(5, 88)
  const entity = decodeEntity(record, Buffer.alloc(32, 7), 16, 'here')
  expect(entity).toMatchObject({ newestEventTime: 1_234.5, erased: true, state: new Uint8Array(16).fill(5) })
  expect([entity.ring.count, entity.ring.overflow, ...entity.ring.words.subarray(0, 7)]).toEqual([1, 3, 1, 2, 3, 4, 5, 6, 7])
  expect(() => decodeEntity(record, Buffer.alloc(32, 8), 16, 'here')).toThrow(/feature set/)
  expect(() => decodeEntity(record.subarray(0, 100), Buffer.alloc(32, 7), 16, 'here')).toThrow(/does not fit/)
})

it('the 64-bit hash separates texts and boundaries', () => {
  const seen = new Set<string>()
  const out = { high: 0, low: 0 }
  for (let i = 0; i < 200_000; i++) {
    hashPair(`producer-${i % 7}`, `event-${i}`, out)
    seen.add(`${out.high}:${out.low}`)
  }
  expect(seen.size).toBe(200_000)
  hashPair('ab', 'c', out)
  const first = { ...out }
  hashPair('a', 'bc', out)
  expect(out).not.toEqual(first)
})

it('a ring whose older entries lie apart comes back whole, whichever of them have left since they were written', () => {
  const hash = Buffer.alloc(32, 7)
  const wide = { horizonMs: 1e12, entriesMax: 100 }
  fc.assert(
    fc.property(fc.integer({ min: 33, max: 150 }), fc.nat(80), (first, more) => {
      const entity = newEntity(new Uint8Array(16))
      const { ring } = entity
      const add = (i: number): void => ring.add(hashed(`${i}`), hashed('c'), i, 1_000_000 + i * 1000, wide)
      for (let i = 0; i < first; i++) add(i)
      expect(settleOlder(ring)).toBe(true)
      const memory = recordMemory(olderBytesMax(ring.settled))
      const older = memory.bytes.subarray(0, writeOlder(ring, memory, 0))
      for (let i = first; i < first + more; i++) add(i)
      const bytes = encodeEntity(entity, hash)
      const back = decodeEntity(bytes, hash, 16, 'here')
      if (back.ring.settled > 0) joinOlder(back.ring, older, 'here')
      expect(back.ring.count).toBe(ring.count)
      expect(back.ring.settled).toBe(ring.settled)
      expect(back.ring.words.subarray(0, ring.count * 7)).toEqual(ring.words.subarray(0, ring.count * 7))
    }),
  )
})

it('older entries that are missing, too few or damaged are refused by the applicant’s name', () => {
  const ring = new DedupeRing()
  for (let i = 0; i < 40; i++) ring.add(hashed(`${i}`), hashed('c'), i, 1_000_000, { horizonMs: 1e12, entriesMax: 100 })
  settleOlder(ring)
  const memory = recordMemory(olderBytesMax(ring.settled))
  const older = memory.bytes.subarray(0, writeOlder(ring, memory, 0))
  const due = (settled: number): DedupeRing => Object.assign(new DedupeRing(), { settled })
  expect(() => joinOlder(due(1), undefined, 'applicant c1')).toThrow(/older event ids of applicant c1 .* missing/)
  expect(() => joinOlder(due(33), older, 'x')).toThrow(/they are 32, 33 are due/)
  fc.assert(
    fc.property(fc.nat(older.length - 1), (length) => {
      expect(() => joinOlder(due(32), older.subarray(0, length), 'x')).toThrow(/cannot be used/)
    }),
  )
})
