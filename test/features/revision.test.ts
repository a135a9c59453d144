import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { creditFeatureSet as set } from '#features/credit-v1.ts'
import type { DecidedApplication, KnownEvent } from '#features/revision.ts'
import { changesBetween, reopenedBy, vectorAsKnown, withChanges } from '#features/revision.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { anyApplication, anyStream, applicationAt, paymentAt, START, statementAt } from './streams-of-events.ts'

const DAY_MS = 86_400_000
const log = (events: readonly CreditEvent[]): readonly KnownEvent[] => events.map((event, offset) => ({ event, offset }))

const application = applicationAt(START + 100 * DAY_MS)
const decision: DecidedApplication = { application, offset: 2 }
const changesOf = (events: readonly CreditEvent[]) =>
  changesBetween(set, vectorAsKnown(set, log(events), decision, 'then'), vectorAsKnown(set, log(events), decision, 'now'))
const history = [statementAt(START + 60 * DAY_MS, 10_000, 100_000, 1), paymentAt(START + 70 * DAY_MS, 4_000), application]

describe('a revision', () => {
  test('names the features that a late payment changes, with both values', () => {
    const late = paymentAt(START + 80 * DAY_MS, 6_000)
    const changes = changesOf([...history, late])
    const change = (name: string) => changes.find((one) => one.name === `applicant.${name}`)
    expect(change('payment.amount.sum.3mo')).toMatchObject({ old: 4_000, new: 10_000 })
    expect(change('payment.event.count.6mo')).toMatchObject({ old: 1, new: 2 })
    expect(change('payment.event.days-since-last.ever')).toMatchObject({ old: 30, new: 20 })
    expect(change('statement.repaymentStatus.last.6mo')).toBeUndefined()
    expect(changes.every(({ name }) => name.includes('.payment.'))).toBe(true)
  })

  test('is none where what came later is about later, or changes nothing', () => {
    expect(changesOf([...history, paymentAt(START + 101 * DAY_MS, 5)])).toEqual([])
    expect(changesOf(history)).toEqual([])
  })

  test('leaves what was known then alone, whatever comes after', () => {
    fc.assert(
      fc.property(anyStream(0.5), anyStream(0.5), anyApplication, (before, after, applied) => {
        const decided = { application: applied, offset: before.length }
        const events = log([...before, applied, ...after])
        expect(vectorAsKnown(set, events, decided, 'then')).toEqual(vectorAsKnown(set, events.slice(0, before.length + 1), decided, 'then'))
        // Known now is what a decision made after all of it, of the same moment, would have known.
        const all = log([...before, ...after.filter(({ eventTime }) => eventTime <= applied.eventTime), applied])
        expect(vectorAsKnown(set, events, decided, 'now')).toEqual(
          vectorAsKnown(set, all, { application: applied, offset: all.length - 1 }, 'then'),
        )
      }),
      { numRuns: 100 },
    )
  })

  test('grows with each late event, and is known through any of them', () => {
    const events = log([...history, paymentAt(START + 80 * DAY_MS, 6_000), paymentAt(START + 90 * DAY_MS, 1_000)])
    const paid = set.features.findIndex(({ name }) => name === 'applicant.payment.amount.sum.3mo')
    const through = (offset: number) => vectorAsKnown(set, events, decision, { through: offset })[paid]
    expect([2, 3, 4].map(through)).toEqual([4_000, 10_000, 11_000])
  })

  test('leaves places alone that other facts than these events filled', () => {
    const scored = new Float32Array(set.size).fill(7)
    const changes = changesOf([...history, paymentAt(START + 80 * DAY_MS, 6_000)])
    const now = withChanges(scored, changes)
    expect([...now].filter((value) => value !== 7)).toHaveLength(changes.length)
  })
})

test('a late event reopens the decisions after its time and before its arrival, newest first, within the horizon', () => {
  const at = (days: number, offset: number): DecidedApplication => ({ application: applicationAt(START + days * DAY_MS), offset })
  const late: KnownEvent = { event: paymentAt(START + 50 * DAY_MS, 1), offset: 10 }
  const decisions = [at(40, 1), at(50, 2), at(60, 3), at(95, 4), at(60, 11)]
  expect(reopenedBy(late, decisions, 30 * DAY_MS).map(({ offset }) => offset)).toEqual([3, 2])
})
