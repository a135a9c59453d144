import { expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { CreditEvent, OutcomeEvent } from '#schemas/events.ts'
import { epochMs } from '#schemas/units.ts'
import { replay } from '#training/dataset.ts'
import { applicationAt, paymentAt, START } from '../features/streams-of-events.ts'

const DAY_MS = 86_400_000
const application = applicationAt(START)
const outcome: OutcomeEvent = {
  eventId: 'o',
  applicantId: application.applicantId,
  eventTime: epochMs(START + 30 * DAY_MS),
  producer: 'test',
  kind: 'outcome',
  applicationId: application.applicationId,
  label: 1,
  definition: 'default-1m',
  horizonDays: 30,
  maturedAt: epochMs(START + 30 * DAY_MS),
  observed: true,
}

const labelled = (events: readonly CreditEvent[], maturedBy?: number): number => {
  const { training, holdout } = replay(events, creditFeatureSet, undefined, maturedBy)
  return training.rows + holdout.rows
}

test('an outcome labels a row only once it is mature', () => {
  const events = [application, outcome]
  expect(labelled(events)).toBe(1)
  expect(labelled(events, outcome.maturedAt)).toBe(1)
  expect(labelled(events, outcome.maturedAt - 1)).toBe(0)
  expect(replay(events, creditFeatureSet, undefined, outcome.maturedAt - 1).unlabelled).toBe(1)
})

test('an erasure takes what came before it out of the rows and out of later vectors', () => {
  const erasure: CreditEvent = { ...outcome, eventId: 's', kind: 'subject-request', request: 'erasure' } as unknown as CreditEvent
  expect(labelled([application, outcome, erasure])).toBe(0)
  const again = { ...applicationAt(START + 60 * DAY_MS), applicationId: 'y' }
  const label = { ...outcome, eventId: 'o2', applicationId: 'y', maturedAt: epochMs(START + 90 * DAY_MS) }
  const vectorsOf = (events: readonly CreditEvent[]): Float32Array => {
    const { training, holdout } = replay(events, creditFeatureSet)
    return training.rows === 1 ? training.values : holdout.values
  }
  expect(vectorsOf([paymentAt(START + DAY_MS, 5), erasure, again, label])).toEqual(vectorsOf([again, label]))
})
