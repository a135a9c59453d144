import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '#gateway/feed-cursor.ts'
import { feedState, stepFeed, type FeedState } from '#gateway/feed-state.ts'
import type { DecisionFacts } from '#schemas/wire.ts'
import { offset } from '#schemas/units.ts'

const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 })
const states = fc
  .tuple(fc.array(fc.tuple(position, position, position, position), { minLength: 1, maxLength: 40 }), position)
  .map(([rows, alerts]): FeedState => ({
    alerts,
    next: Float64Array.from(rows, ([next]) => next),
    epoch: Float64Array.from(rows, ([, epoch]) => epoch - 1),
    decided: Float64Array.from(rows, ([, , decided]) => decided - 1),
    revisions: Float64Array.from(rows, ([, , , revisions]) => revisions),
  }))

test('every state survives its cursor', () => {
  fc.assert(
    fc.property(states, (state) => {
      const cursor = encodeCursor(state)
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(decodeCursor(cursor, state.next.length)).toEqual(state)
    }),
  )
})

test('a cursor of another number of partitions is none', () => {
  expect(decodeCursor(encodeCursor(feedState([1, 2, 3])), 2)).toBeUndefined()
})

test('no text makes the decoder throw, and what it accepts is whole', () => {
  const near = states.chain((state) => {
    const cursor = encodeCursor(state)
    return fc
      .tuple(fc.nat(cursor.length), fc.constantFrom('', 'A', '_', '%', 'é'))
      .map(([at, put]) => cursor.slice(0, at) + put + cursor.slice(at + 1))
  })
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), fc.integer({ min: 1, max: 40 }), (text, partitions) => {
      const state = decodeCursor(text, partitions)
      if (state === undefined) return
      expect(state.next.length).toBe(partitions)
      expect([...state.next, ...state.epoch, ...state.decided].every((value) => Number.isSafeInteger(value) && value >= -1)).toBe(true)
    }),
  )
})

test('cutting a log anywhere and resuming from the cursor gives what one reader gives', () => {
  const records = fc.array(
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<DecisionFacts>({ kind: 'claim' }) },
      { weight: 1, arbitrary: fc.constant<DecisionFacts>({ kind: 'unknown' }) },
      {
        weight: 6,
        arbitrary: fc.tuple(fc.nat(30), fc.nat(20)).map(([epoch, at]): DecisionFacts => ({
          kind: 'decision',
          epoch: offset(epoch),
          partition: 0,
          offset: offset(at),
          bodyStart: 0,
        })),
      },
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(records, fc.nat(60), (log, cut) => {
      const read = (state: FeedState, from: number, to: number) =>
        log.slice(from, to).flatMap((facts, i) => (stepFeed(state, 0, from + i, facts) ? [from + i] : []))
      const whole = feedState([0])
      const shown = read(whole, 0, log.length)
      const first = feedState([0])
      const before = read(first, 0, cut)
      const resumed = decodeCursor(encodeCursor(first), 1) ?? feedState([0])
      expect([...before, ...read(resumed, cut, log.length)]).toEqual(shown)
      // Each input position once, in order.
      const inputs = shown.map((at) => (log[at] as { offset: number }).offset)
      expect(inputs).toEqual([...new Set(inputs)].sort((a, b) => a - b))
    }),
  )
})
