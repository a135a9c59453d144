import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { last } from '#features/aggregates/last.ts'
import { compile } from '#features/compile/compile.ts'
import { creditFeatureSet as set } from '#features/credit-v1.ts'
import { creditV1Capacities } from '#features/definitions/credit-v1.ts'
import { feature } from '#features/language/feature.ts'
import { months } from '#features/language/window.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { moneyMinor } from '#schemas/units.ts'
import { anyStream, applicationAt, paymentAt, START, statementAt } from './streams-of-events.ts'

const folded = (events: readonly CreditEvent[]): Uint8Array => {
  const state = set.emptyState()
  for (const event of events) set.fold(state, event)
  return state
}

const anyOrders = fc
  .nat({ max: 3 })
  .chain((scale) => anyStream(scale))
  .chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length })))

describe('state', () => {
  test('any order of arrival leaves the same bytes, overflow included', () => {
    fc.assert(
      fc.property(anyOrders, ([events, permuted]) => {
        expect(folded(permuted)).toEqual(folded(events))
      }),
      { numRuns: 300 },
    )
  })

  test('so it does where optional numbers are left out of events of one time', () => {
    const optional = compile({
      definitions: [feature({ on: 'statement', by: 'applicant', field: 'minimumDue', how: last(), window: months(3) })],
      capacities: { statement: 3 },
    })
    const events = [undefined, 5, 0, undefined, 7].map((due) => ({
      ...statementAt(START, 1, 1, 0),
      ...(due === undefined ? {} : { minimumDue: moneyMinor(due) }),
    }))
    const bytes = (some: readonly CreditEvent[]): Uint8Array => {
      const state = optional.emptyState()
      for (const event of some) optional.fold(state, event)
      return state
    }
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (permuted) => {
        expect(bytes(permuted)).toEqual(bytes(events))
      }),
    )
    const value = (some: readonly CreditEvent[]) => optional.values(bytes(some), applicationAt(START + 1_000))[0]
    expect([value(events), value(events.slice(0, 1))]).toEqual([7, Number.NaN])
  })

  test('its size is declared, stays the same, and is at most 1 KB', () => {
    expect(set.stateBytes).toBe(992)
    expect(set.emptyState()).toHaveLength(992)
    expect(set.layout.sections.map(({ kind, bytes }) => [kind, bytes])).toEqual([
      ['application', 120],
      ['statement', 328],
      ['payment', 536],
    ])
    expect(set.features.reduce((total, feature) => total + feature.stateBytes, 0)).toBe(set.stateBytes)
  })

  test('sections neither overlap nor leave their bounds', () => {
    let end = 8
    for (const { offset, bytes, capacity, timesOffset, columns } of set.layout.sections) {
      expect(offset).toBe(end)
      let at = timesOffset + capacity * 8
      for (const column of columns) {
        expect(column.offset).toBe(at)
        at += capacity * { f64: 8, optional: 8, i32: 4, i16: 2, i8: 1, choice: 1, hash: 4 }[column.encoding]
      }
      expect(at).toBeLessThanOrEqual(offset + bytes)
      end = offset + bytes
    }
    expect(end).toBe(set.layout.bytes)
  })

  test('overflow drops the oldest and says how many and through when', () => {
    const payments = Array.from({ length: 40 }, (_, i) => paymentAt(START + i * 1_000, i + 1))
    const occupancy = set.occupancy(folded(payments)).find(({ kind }) => kind === 'payment')
    expect(occupancy).toEqual({ kind: 'payment', held: 32, capacity: 32, dropped: 8, droppedThrough: START + 7_000 })
    expect(set.occupancy(folded(payments.slice(0, 32)))).toContainEqual({
      kind: 'payment',
      held: 32,
      capacity: 32,
      dropped: 0,
      droppedThrough: null,
    })
  })

  test('a thousand events leave no more bytes than none', () => {
    const state = folded(Array.from({ length: 1_000 }, (_, i) => paymentAt(START + i, 1)))
    expect(state).toHaveLength(set.stateBytes)
    expect(set.occupancy(state).map(({ kind, held }) => held <= creditV1Capacities[kind]!)).toEqual([true, true, true])
  })

  test('kinds no feature looks at leave the state alone', () => {
    const outcome: CreditEvent = {
      ...applicationAt(START),
      kind: 'outcome',
      label: 1,
      definition: 'd',
      horizonDays: 1,
      maturedAt: applicationAt(START).eventTime,
      observed: true,
    }
    expect(folded([outcome])).toEqual(set.emptyState())
  })

  test('state of another layout or length is refused with a remedy', () => {
    const foreign = set.emptyState()
    foreign[0]! ^= 1
    expect(() => set.fold(foreign, paymentAt(START, 1))).toThrow(/layout tag .* refold it from the input log/)
    expect(() => set.fold(new Uint8Array(10), paymentAt(START, 1))).toThrow(/10 bytes/)
  })

  test('state works at any offset of a larger buffer', () => {
    const slab = new Uint8Array(set.stateBytes + 3)
    const view = slab.subarray(3)
    view.set(set.emptyState())
    set.fold(view, paymentAt(START, 5))
    expect(new Uint8Array(view)).toEqual(folded([paymentAt(START, 5)]))
  })
})
