import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate } from './aggregate.ts'

/** As many as a ring may hold. */
const N_MAX = 256

/** The n-th latest value that is not missing, 1 being the latest: k such features are the last k values. Missing where there are fewer. */
export const nthLast = (n: number): Aggregate => {
  if (!Number.isInteger(n) || n < 1 || n > N_MAX) throw new RangeError(`nthLast counts from 1 to ${N_MAX}, got ${n}`)
  return {
    name: `last-${n}`,
    version: 1,
    needs: 'value',
    windows: EVENT_WINDOWS,
    unit: (of) => of,
    phrase: n === 1 ? 'latest of' : `${n}th latest of`,
    algorithm: { name: 'nth-last', parameter: n },
    reduce(slice) {
      const { values, from } = slice
      let left = n
      let i = slice.to
      while (left > 0 && i > from) if (!Number.isNaN(values[--i])) left--
      if (left === 0) slice.out[slice.slot] = values[i]!
      else slice.out[slice.slot] = NaN
    },
  }
}
