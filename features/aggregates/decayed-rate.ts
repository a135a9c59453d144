import { decaying, readDecayedRate } from '../accumulators/decaying.ts'
import { DAY_MS } from '../language/calendar.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate } from './aggregate.ts'
import { requireHalfLife } from './decayed-sum.ts'
import { exp2 } from './exp2.ts'

const cell = new Float64Array(1)

/**
 * Events per day, weighted by 2^(−age / half-life). The weights of a steady stream of r a day add up to r · half-life / ln 2, by which
 * the sum is divided. Of nothing, 0.
 */
export const decayedRate = (halfLifeDays: number): Aggregate => {
  requireHalfLife('decayedRate', halfLifeDays)
  const halfLifeMs = halfLifeDays * DAY_MS
  return {
    name: `decayed-rate-${halfLifeDays}d`,
    version: 1,
    needs: 'nothing',
    windows: EVENT_WINDOWS,
    unit: () => 'events per day',
    phrase: `rate (half-life ${halfLifeDays} days) of`,
    algorithm: { name: 'decayed-rate', parameter: halfLifeMs },
    reduce(slice) {
      const { values, times, instant, from, to } = slice
      let sum = 0
      for (let i = from; i < to; i++) {
        if (Number.isNaN(values[i])) continue
        cell[0] = (times[i]! - instant[0]!) / halfLifeMs
        exp2(cell, 0)
        sum += cell[0]
      }
      slice.out[slice.slot] = (sum * Math.LN2) / halfLifeDays
    },
    paned: { accumulator: decaying(halfLifeMs), read: readDecayedRate(halfLifeMs) },
  }
}
