import { decaying, readDecayedSum } from '../accumulators/decaying.ts'
import { DAY_MS } from '../language/calendar.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate } from './aggregate.ts'
import { exp2 } from './exp2.ts'

const HALF_LIFE_DAYS_MAX = 3_650
const cell = new Float64Array(1)

export const requireHalfLife = (of: string, halfLifeDays: number): void => {
  if (!(halfLifeDays > 0 && halfLifeDays <= HALF_LIFE_DAYS_MAX))
    throw new RangeError(`${of} takes a half-life above 0 and up to ${HALF_LIFE_DAYS_MAX} days, got ${halfLifeDays}`)
}

/** Sum of values, each halved for every half-life of its age at t; of nothing, 0. */
export const decayedSum = (halfLifeDays: number): Aggregate => {
  requireHalfLife('decayedSum', halfLifeDays)
  const halfLifeMs = halfLifeDays * DAY_MS
  return {
    name: `decayed-sum-${halfLifeDays}d`,
    version: 1,
    needs: 'value',
    windows: EVENT_WINDOWS,
    unit: (of) => of,
    phrase: `sum (half-life ${halfLifeDays} days) of`,
    algorithm: { name: 'decayed-sum', parameter: halfLifeMs },
    reduce(slice) {
      const { values, times, instant, from, to } = slice
      let sum = 0
      for (let i = from; i < to; i++) {
        if (Number.isNaN(values[i])) continue
        cell[0] = (times[i]! - instant[0]!) / halfLifeMs
        exp2(cell, 0)
        sum += values[i]! * cell[0]
      }
      slice.out[slice.slot] = sum
    },
    paned: { accumulator: decaying(halfLifeMs), read: readDecayedSum(halfLifeMs) },
  }
}
