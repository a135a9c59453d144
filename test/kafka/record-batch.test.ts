import { Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBatches, encodeBatch } from '#streams/kafka/record-batch.ts'
import { Window } from '#streams/kafka/window.ts'

const sender = { producerId: 4_711n, producerEpoch: 3, sequence: 99 }
const anyRecords = fc.array(
  fc.record({ partition: fc.constant(0), key: fc.uint8Array({ maxLength: 40 }), value: fc.uint8Array({ maxLength: 300 }) }),
  {
    minLength: 1,
    maxLength: 300,
  },
)
const plain = (records: readonly { readonly key: Uint8Array | null; readonly value: Uint8Array | null }[]) =>
  records.map(({ key, value }) => [Buffer.from(key ?? []).toString('hex'), Buffer.from(value ?? []).toString('hex')])
const placed = (batch: Buffer, offset: number): Buffer => {
  const out = Buffer.from(batch)
  out.writeBigInt64BE(BigInt(offset))
  return out
}

it('another library reads the batches that are written here', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const batch = readRecordsBatch(Reader.from(encodeBatch(records, sender, 1_700_000_000_000)))
      expect(plain(batch.records)).toEqual(plain(records))
      expect(batch).toMatchObject({ producerId: 4_711n, producerEpoch: 3, firstSequence: 99, firstTimestamp: 1_700_000_000_000n })
    }),
  )
})

it('batches read back from any offset on, one cut off at the end left out', () => {
  fc.assert(
    fc.property(fc.array(anyRecords, { minLength: 1, maxLength: 4 }), fc.nat(600), fc.nat(60), (batches, from, cut) => {
      let offset = 0
      const encoded = batches.map((records) => {
        const bytes = placed(encodeBatch(records, sender, 5), offset)
        offset += records.length
        return bytes
      })
      const all = batches.flat()
      const whole = decodeBatches(Buffer.concat(encoded), 7, from, [])
      expect(plain(whole.records)).toEqual(plain(all.slice(from)))
      expect(whole.records.map((one) => one.offset)).toEqual(all.map((_, i) => i).slice(from))
      expect(whole.next).toBe(Math.max(from, all.length))
      const bytes = Buffer.concat(encoded)
      const less = decodeBatches(bytes.subarray(0, bytes.length - 1 - cut), 7, 0, [])
      expect(less.next).toBeLessThan(all.length)
      expect(plain(less.records)).toEqual(plain(all.slice(0, less.next)))
    }),
  )
})

it('a byte changed on the way is noticed', () => {
  fc.assert(
    fc.property(anyRecords, fc.nat(), fc.integer({ min: 1, max: 255 }), (records, where, change) => {
      const bytes = encodeBatch(records, sender, 5)
      const at = 21 + (where % (bytes.length - 21))
      bytes[at] = (bytes[at] as number) ^ change
      expect(() => decodeBatches(bytes, 0, 0, [])).toThrow(/checksum/)
    }),
  )
})

it('records of an aborted transaction are left out up to its mark, those of others kept', () => {
  const one = [{ partition: 0, key: Buffer.from('k'), value: Buffer.from('v') }]
  const flagged = (offset: number, producerId: bigint, attributes: number): Buffer => {
    const bytes = placed(encodeBatch(one, { ...sender, producerId }, 5), offset)
    bytes.writeInt16BE(attributes, 21)
    return resealed(bytes)
  }
  const transactional = 16
  const mark = 48
  const bytes = Buffer.concat([
    flagged(0, 1n, transactional),
    flagged(1, 2n, transactional),
    flagged(2, 1n, mark),
    flagged(3, 1n, transactional),
  ])
  const { records, next } = decodeBatches(bytes, 0, 0, [{ producerId: 1, firstOffset: 0 }])
  expect(records.map(({ offset }) => offset)).toEqual([1, 3])
  expect(next).toBe(4)
})

/** With the checksum of what it says now; bitwise, as RFC 3720 defines CRC-32C. */
const resealed = (bytes: Buffer): Buffer => {
  let crc = 0xffffffff
  for (const byte of bytes.subarray(21)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 17)
  return bytes
}

it('a window serves what was put in, from any offset it holds, and what it holds is bounded by what is kept behind', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(40), { maxLength: 60 }),
      fc.nat(500),
      (sizes, steps, kept) => {
        const window = new Window(0, 0)
        let end = 0
        for (const size of sizes) {
          const records = Array.from({ length: size }, (_, i) => ({
            partition: 0,
            offset: end + i,
            appendedAt: 0 as never,
            key: Buffer.alloc(1),
            value: Buffer.alloc(9),
          }))
          end += size + 1
          window.add(records, size * 10, end, 0)
        }
        let position = 0
        for (const step of steps) {
          if (!window.holds(position)) break
          const found = window.read(position, step * 10)
          for (const [i, record] of found.entries()) expect(record.offset).toBeGreaterThanOrEqual(position + i)
          if (found.length > 0) position = (found.at(-1) as { offset: number }).offset + 1
          window.trim(kept)
          expect(window.bytes - window.ahead).toBeLessThanOrEqual(kept)
          expect(window.holds(position)).toBe(true)
        }
      },
    ),
  )
})
