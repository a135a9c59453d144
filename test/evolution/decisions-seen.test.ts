import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gapsAtChange, gapsBetween, longestGaps, longestWaitMs, type SeenDecision } from '../../cli/evolve-demo/decisions-seen.ts'

const seen = (at: number, partition: number, modelVersion = 'm@a', waitMs = 1): SeenDecision => ({ at, partition, modelVersion, waitMs })

const decisions = fc.array(fc.record({ step: fc.nat(50), partition: fc.nat(3), changed: fc.boolean() }), { maxLength: 60 }).map((steps) => {
  let at = 1_000
  return steps.map(({ step, partition, changed }) => seen((at += step), partition, changed ? 'm@b' : 'm@a'))
})

describe('the longest gap', () => {
  test('of a partition is that between its own decisions, of the engine that between any two', () => {
    const made = [seen(0, 0), seen(10, 1), seen(25, 1), seen(40, 0)]
    expect(longestGaps(made, () => true)).toEqual({ anyMs: 15, partitionMs: 40, partition: 0 })
  })

  test('equals that of every partition sorted out by itself', () => {
    fc.assert(
      fc.property(decisions, (made) => {
        const gapsOf = (list: readonly SeenDecision[]): number[] => list.slice(1).map(({ at }, index) => at - list[index]!.at)
        const byPartition = Object.values(Object.groupBy(made, ({ partition }) => String(partition)))
        const found = longestGaps(made, () => true)
        expect(found.anyMs).toBe(Math.max(0, ...gapsOf(made)))
        expect(found.partitionMs).toBe(Math.max(0, ...byPartition.flatMap((list) => gapsOf(list ?? []))))
      }),
    )
  })

  test('at a change of the model goes from the last decision of one to the first of the other', () => {
    const made = [seen(0, 0), seen(90, 1), seen(100, 0), seen(130, 1, 'm@b'), seen(150, 0, 'm@b'), seen(900, 0, 'm@b')]
    expect(gapsAtChange(made, 'm@a', 'm@b')).toEqual({ anyMs: 30, partitionMs: 50, partition: 0 })
    expect(gapsAtChange(made, 'm@b', 'm@a')).toEqual({ anyMs: 0, partitionMs: 0, partition: null })
  })

  test('as usual leaves changes and other times out', () => {
    const made = [seen(0, 0), seen(500, 0), seen(520, 0), seen(800, 0, 'm@b')]
    expect(gapsBetween(made, 100, 1_000)).toEqual({ anyMs: 20, partitionMs: 20, partition: 0 })
  })
})

test('the longest wait is that of applications decided within the time', () => {
  const made = [seen(0, 0, 'm@a', 90), seen(10, 0, 'm@a', 5), seen(20, 0, 'm@a', 7)]
  expect(longestWaitMs(made, 5, 15)).toBe(5)
  expect(longestWaitMs(made, 30, 40)).toBe(0)
})
