import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyPacked, packedBytesMax, packRecord, unpackRecords } from '#streams/redis/packed-records.ts'

const packed = (record: Uint8Array): Buffer => {
  const copy = Buffer.alloc(packRecord(record))
  copyPacked(copy.length, copy, 0)
  return copy
}

/** Stretches of zeros and of anything, as records have them. */
const record = fc
  .array(
    fc.oneof(
      fc.nat({ max: 60 }).map((zeros) => new Uint8Array(zeros)),
      fc.uint8Array({ maxLength: 60 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts))

describe('packed records', () => {
  it('unpack to the same bytes, whatever they are, wherever they lie and with whatever they are packed', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), fc.nat({ max: 7 }), (records, shift) => {
        const shifted = records.map((bytes) => Buffer.concat([Buffer.alloc(shift, 9), bytes]).subarray(shift))
        const unpacked = unpackRecords([null, ...shifted.map(packed)], 'r')
        expect(unpacked[0]).toBeUndefined()
        expect(unpacked.slice(1).map((bytes) => Buffer.from(bytes as Uint8Array))).toEqual(records)
      }),
    )
  })

  it('are larger by a bit a word, filled up to words, and seven bytes at most', () => {
    fc.assert(
      fc.property(record, (bytes) => {
        const { length } = packed(bytes)
        expect(length).toBeLessThanOrEqual(packedBytesMax(bytes.length))
        expect(length).toBeLessThanOrEqual(bytes.length + 7 + 4 * Math.ceil(bytes.length / 128))
      }),
    )
  })

  it('that were cut, lengthened or changed are refused or unpack to as many bytes as they say', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.nat({ max: 255 }), (bytes, at, value) => {
        const whole = packed(bytes)
        const changed = Buffer.from(whole)
        changed[at % changed.length] = value
        for (const damaged of [
          changed,
          whole.subarray(0, whole.length - 1),
          whole.subarray(0, whole.length - 4),
          Buffer.concat([whole, Buffer.alloc(4, value)]),
        ]) {
          try {
            expect(unpackRecords([damaged], 'r')[0]).toHaveLength(damaged.readUInt32LE(0))
          } catch (failure) {
            expect(failure).toMatchObject({ code: 'state-corrupt' })
          }
        }
      }),
    )
  })
})
