import fc from 'fast-check'
import { expect, it } from 'vitest'
import { murmur2, partitionOf, partitionOfText } from '#streams/murmur2.ts'

/** From Apache Kafka, `clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java`, testMurmur2. */
const published: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

it('hashes as Kafka publishes', () => {
  for (const [text, hash] of published) expect(murmur2(Buffer.from(text)), text).toBe(hash)
})

it('a partition is the positive part of the hash modulo the count', () => {
  for (const [text, hash] of published) expect(partitionOf(Buffer.from(text), 12)).toBe((hash & 0x7fffffff) % 12)
})

it('a text in Latin-1 goes where its bytes go', () => {
  for (const [text, hash] of published) expect(partitionOfText(text, 12)).toBe((hash & 0x7fffffff) % 12)
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 20 }), (codes) => {
      const bytes = Buffer.from(codes)
      expect(partitionOfText(bytes.toString('latin1'), 997)).toBe(partitionOf(bytes, 997))
    }),
  )
})
