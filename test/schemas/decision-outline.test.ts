import { expect, test } from 'vitest'
import fc from 'fast-check'
import { decodeDecisionOutline } from '#schemas/decision-outline.ts'
import type { Offset } from '#schemas/units.ts'
import { encodeClaim, encodeDecision } from '#schemas/wire.ts'
import { sampleBody, sampleDecision } from './sample-decision.ts'

const plain = sampleDecision()
const linked = sampleDecision({ ...sampleBody(), linked: [{ entity: 'device', partition: 3, version: 41 as Offset }] })

test('an outline says of a decision what the whole decision says', () => {
  for (const decision of [plain, linked]) {
    const { partition, offset, eventTime, product, vector, score, modelVersion } = decision.body
    expect(decodeDecisionOutline(encodeDecision(decision))).toEqual({
      kind: 'accepted',
      value: {
        envelope: { stages: decision.envelope.stages },
        body: { partition, offset, eventTime, product, vector, score, modelVersion },
      },
    })
  }
})

test('a cut record, another record and noise are rejections', () => {
  const record = encodeDecision(plain)
  for (let length = 0; length < record.length; length++) expect(decodeDecisionOutline(record.subarray(0, length)).kind).toBe('rejected')
  expect(decodeDecisionOutline(Buffer.concat([record, Buffer.alloc(1)])).kind).toBe('rejected')
  expect(decodeDecisionOutline(encodeClaim({ owner: 'host', claimedAt: 1 as never })).kind).toBe('rejected')
})

test('a damaged count is not believed: whatever byte is changed, an answer comes at once', () => {
  const record = encodeDecision(plain)
  fc.assert(
    fc.property(fc.nat(record.length - 6), fc.uint8Array({ minLength: 1, maxLength: 5 }), (at, bytes) => {
      const damaged = Buffer.from(record)
      damaged.set(bytes.subarray(0, record.length - 5 - at), 5 + at)
      expect(['accepted', 'rejected']).toContain(decodeDecisionOutline(damaged).kind)
    }),
  )
})
