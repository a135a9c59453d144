import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packRecord, unpackRecord } from '#streams/redis/packed-record.ts'

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

describe('a packed record', () => {
  it('unpacks to the same bytes, whatever they are and wherever they lie', () => {
    fc.assert(
      fc.property(record, fc.nat({ max: 7 }), (bytes, shift) => {
        const shifted = Buffer.concat([Buffer.alloc(shift, 9), bytes]).subarray(shift)
        expect(Buffer.from(unpackRecord(packRecord(shifted), 'r'))).toEqual(bytes)
      }),
    )
  })

  it('is larger than the record by an eighth of a byte a word and seven bytes at most', () => {
    fc.assert(fc.property(record, (bytes) => packRecord(bytes).length <= bytes.length + 4 + Math.ceil(bytes.length / 32) + 3))
  })

  it('that was cut, lengthened or changed in its length or bits is refused or unpacks to as many bytes as it says', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.nat({ max: 255 }), (bytes, at, value) => {
        const packed = packRecord(bytes)
        const changed = Buffer.from(packed)
        changed[at % changed.length] = value
        for (const damaged of [changed, packed.subarray(0, packed.length - 1), Buffer.concat([packed, Buffer.of(value)])]) {
          try {
            expect(unpackRecord(damaged, 'r')).toHaveLength(damaged.readUInt32LE(0))
          } catch (failure) {
            expect(failure).toMatchObject({ code: 'state-corrupt' })
          }
        }
      }),
    )
  })
})
