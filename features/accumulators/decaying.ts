/** Exponentially decayed sums, mergeable: Cormode, Shkapenyuk, Srivastava & Xu, "Forward decay" (2009). */
import { exp2 } from '../aggregates/exp2.ts'
import { DAY_MS } from '../language/calendar.ts'
import type { Accumulator, Memory } from './accumulator.ts'
import { TIME, VALUE } from './accumulator.ts'

const cell = new Float64Array(1)

/** `seen f64 · sum as of the landmark f64 · landmark f64`: the landmark is the time of the newest event. */
export const decaying = (halfLifeMs: number): Accumulator => {
  /** Adds `values[value]` of instant `values[time]`. */
  const take = ({ f64 }: Memory, at: number, values: Float64Array, value: number, time: number): void => {
    const isNewer = f64[at] === 0 || values[time]! > f64[at + 2]!
    const age = isNewer ? f64[at + 2]! - values[time]! : values[time]! - f64[at + 2]!
    cell[0] = age / halfLifeMs
    exp2(cell, 0)
    if (f64[at] === 0) f64[at + 1] = values[value]!
    else if (isNewer) f64[at + 1] = f64[at + 1]! * cell[0] + values[value]!
    else f64[at + 1] = f64[at + 1]! + values[value]! * cell[0]
    if (isNewer) f64[at + 2] = values[time]!
    f64[at] = 1
  }
  return {
    name: `decaying-${halfLifeMs}`,
    version: 1,
    words: 3,
    errorBound: '1e-9 relative to the sum of magnitudes',
    update(memory, at, event) {
      take(memory, at, event, VALUE, TIME)
    },
    merge(memory, into, from) {
      if (memory.f64[from] !== 0) take(memory, into, memory.f64, from + 1, from + 2)
    },
  }
}

type Read = (memory: Memory, at: number, instant: Float64Array, out: Float64Array, slot: number) => void

const readAt =
  (halfLifeMs: number, factor: number): Read =>
  ({ f64 }, at, instant, out, slot) => {
    cell[0] = (f64[at + 2]! - instant[0]!) / halfLifeMs
    exp2(cell, 0)
    if (f64[at] === 0) out[slot] = 0
    else out[slot] = f64[at + 1]! * cell[0] * factor
  }

export const readDecayedSum = (halfLifeMs: number): Read => readAt(halfLifeMs, 1)
/** Of values 1: events per day, as `decayedRate` defines them. */
export const readDecayedRate = (halfLifeMs: number): Read => readAt(halfLifeMs, (Math.LN2 * DAY_MS) / halfLifeMs)
