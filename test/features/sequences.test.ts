import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventSequence } from '#features/sequences/event-sequence.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { anyApplication, anyPayment, anyStatement, applicationAt, paymentAt, START, statementAt } from './streams-of-events.ts'

const LENGTH = 6
const LATE = 10
const DAY_MS = 86_400_000
const sequence = eventSequence({
  length: LENGTH,
  lateEvents: LATE,
  kinds: { application: [], statement: ['closingBalance', 'repaymentStatus'], payment: ['amount'] },
})
const [steps, width] = sequence.shape
const KINDS = ['application', 'statement', 'payment']
const VALUES: Readonly<Record<string, readonly string[]>> = { statement: ['closingBalance', 'repaymentStatus'], payment: ['amount'] }
const FIELDS = [
  ['statement', 'closingBalance'],
  ['statement', 'repaymentStatus'],
  ['payment', 'amount'],
] as const

const read = (events: readonly CreditEvent[], application: ApplicationEvent) => {
  const state = sequence.emptyState()
  for (const event of events) sequence.fold(state, event)
  const [out, mask] = [new Float32Array(steps * width).fill(9), new Float32Array(steps).fill(9)]
  sequence.tensor(state, application, out, 0, mask, 0)
  return { state, out, mask }
}

/** Sorts everything, takes the last, writes it down. */
const naive = (events: readonly CreditEvent[], { eventTime: t }: ApplicationEvent) => {
  const content = (event: CreditEvent): readonly number[] => {
    const values = event as unknown as Readonly<Record<string, number>>
    return (VALUES[event.kind] ?? []).map((field) => values[field]!)
  }
  // Fields by falling width, then by name: closingBalance, repaymentStatus.
  const compare = (a: CreditEvent, b: CreditEvent): number => {
    if (a.eventTime !== b.eventTime) return a.eventTime - b.eventTime
    if (a.kind !== b.kind) return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)
    const [left, right] = [content(a), content(b)]
    const differs = left.findIndex((value, i) => value !== right[i])
    return differs < 0 ? 0 : left[differs]! - right[differs]!
  }
  const past = events.filter(
    (event) => KINDS.includes(event.kind) && (event.kind === 'application' ? event.eventTime < t : event.eventTime <= t),
  )
  const last = past.toSorted(compare).slice(-LENGTH)
  const rows = last.map((event, i) => {
    const values = event as unknown as Readonly<Record<string, number>>
    return [
      ...KINDS.map((kind) => (event.kind === kind ? 1 : 0)),
      (t - event.eventTime) / DAY_MS,
      i === 0 ? 0 : (event.eventTime - last[i - 1]!.eventTime) / DAY_MS,
      ...FIELDS.map(([kind, field]) => (event.kind === kind ? values[field]! : 0)),
    ]
  })
  const padding = LENGTH - rows.length
  const empty = Array.from({ length: padding * width }, () => 0)
  return {
    out: Float32Array.from([...empty, ...rows.flat()]),
    mask: Float32Array.from({ length: LENGTH }, (_, i) => (i < padding ? 0 : 1)),
  }
}

const anyEvents = fc.array(fc.oneof(anyStatement, anyPayment, anyApplication), { maxLength: 60 })

describe('a sequence of the last events', () => {
  test('declares its shape and names its channels', () => {
    expect(sequence.shape).toEqual([6, 8])
    expect(sequence.channels).toEqual([
      ...KINDS.map((kind) => `is.${kind}`),
      'daysBefore',
      'daysSincePrevious',
      ...FIELDS.map((field) => field.join('.')),
    ])
  })

  test('is what sorting all events and taking the last gives, in any order of arrival', () => {
    fc.assert(
      fc.property(
        anyEvents.chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))),
        fc.integer({ min: 0, max: LATE }),
        ([events, shuffled], later) => {
          // As late as declared: at most so many events of a kind lie after the application.
          const times = events.map(({ eventTime }) => eventTime).toSorted((a, b) => a - b)
          const application = applicationAt(times[Math.max(0, times.length - 1 - later)] ?? START)
          const [ours, theirs] = [read(shuffled, application), naive(events, application)]
          expect([...ours.mask]).toEqual([...theirs.mask])
          expect([...ours.out]).toEqual([...theirs.out])
          expect(ours.state).toEqual(read(events, application).state)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('leaves other events out: state and tensor stay as they were', () => {
    const other = eventSequence({ length: 3, kinds: { payment: ['amount'] } })
    const state = other.emptyState()
    other.fold(state, statementAt(START, 1, 2, 0))
    expect(state).toEqual(other.emptyState())
    expect(other.shape).toEqual([3, 4])
  })

  test('writes where it is told, and nowhere else', () => {
    const state = sequence.emptyState()
    sequence.fold(state, paymentAt(START, 70))
    const [out, mask] = [new Float32Array(3 * steps * width).fill(5), new Float32Array(3 * steps).fill(5)]
    sequence.tensor(state, applicationAt(START + 2 * DAY_MS), out, steps * width, mask, steps)
    expect([...out.slice(0, steps * width), ...out.slice(2 * steps * width)].every((value) => value === 5)).toBe(true)
    expect([...out.slice(2 * steps * width - width, 2 * steps * width)]).toEqual([0, 0, 1, 2, 0, 0, 0, 70])
    expect([...mask]).toEqual([5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 1, 5, 5, 5, 5, 5, 5])
    expect(() => sequence.tensor(state, applicationAt(START), out, 1 + 2 * steps * width, mask, 0)).toThrow(/do not fit/)
  })

  test('refuses state of another sequence, and sources that make no sense', () => {
    const other = eventSequence({ length: LENGTH, lateEvents: LATE, kinds: { application: [], payment: ['amount'] } })
    expect(() => sequence.fold(other.emptyState(), paymentAt(START, 1))).toThrow(/state/)
    expect(other.hash).not.toBe(sequence.hash)
    expect(() => eventSequence({ length: 0, kinds: { payment: [] } })).toThrow(/1 to 256 steps/)
    expect(() => eventSequence({ length: 3, kinds: {} })).toThrow(/at least one kind/)
    expect(() => eventSequence({ length: 3, kinds: { application: ['incomeMonthly'] } })).toThrow(/optional/)
  })
})
