import { ddSketch, readQuantile } from '../accumulators/dd-sketch.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate } from './aggregate.ts'
import { sortWindow, sorted } from './sorted-window.ts'

/**
 * The q-quantile, linearly interpolated between the order statistics around (n − 1)q (type 7 of Hyndman & Fan, 1996); missing of nothing.
 * Over hops and ever a DDSketch: the value at rank ⌊(n − 1)q⌋ within 2 % of itself, values at or below 0 as 0.
 */
export const quantile = (q: number): Aggregate => {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile lies in [0, 1], got ${q}`)
  return {
    name:
      q === 0.5
        ? 'median'
        : `p${Number((q * 100).toFixed(6))
            .toString()
            .replace('.', '_')}`,
    version: 1,
    needs: 'value',
    windows: EVENT_WINDOWS,
    unit: (of) => of,
    phrase: q === 0.5 ? 'median of' : `${q}-quantile of`,
    algorithm: { name: 'quantile', parameter: q },
    reduce(slice) {
      const count = sortWindow(slice)
      const rank = (count - 1) * q
      const below = Math.floor(rank)
      if (count === 0) slice.out[slice.slot] = NaN
      else if (below + 1 >= count) slice.out[slice.slot] = sorted[count - 1]!
      else slice.out[slice.slot] = sorted[below]! + (rank - below) * (sorted[below + 1]! - sorted[below]!)
    },
    paned: { accumulator: ddSketch, read: readQuantile(q) },
  }
}
