import { expect, test } from 'vitest'
import { applicantId, epochMs } from '#schemas/units.ts'
import { encodeDecision } from '#schemas/wire.ts'
import { RecentDecisions } from '#streams/recent-decisions.ts'
import { sampleBody, sampleDecision } from '../schemas/sample-decision.ts'

const KEPT = 16_384

const recordOf = (applicant: string, eventId: string, offset: number) => ({
  partition: 0,
  offset,
  appendedAt: epochMs(0),
  key: Buffer.from(applicant),
  value: encodeDecision(sampleDecision({ ...sampleBody(), applicantId: applicantId(applicant), eventId })),
})

test('of the decisions seen, as many as are kept are found again, the oldest of an applicant leaving first', () => {
  const recent = new RecentDecisions()
  const found = (applicant: string, eventId: string): string | undefined => recent.find(applicant, eventId)?.body.eventId
  recent.add([recordOf('a', 'a-1', 0), recordOf('b', 'b-1', 1), recordOf('a', 'a-2', 2)])
  expect([found('a', 'a-1'), found('a', 'a-2'), found('b', 'b-1'), found('b', 'a-1')]).toEqual(['a-1', 'a-2', 'b-1', undefined])
  const other = recordOf('c', 'c-1', 3)
  const fill = (count: number): void => recent.add(Array.from({ length: count }, () => other))
  fill(KEPT - 3)
  expect(found('a', 'a-1')).toBe('a-1')
  fill(1)
  expect([found('a', 'a-1'), found('a', 'a-2'), found('b', 'b-1')]).toEqual([undefined, 'a-2', 'b-1'])
  fill(2)
  expect([found('a', 'a-2'), found('b', 'b-1'), found('c', 'c-1')]).toEqual([undefined, undefined, 'c-1'])
})
