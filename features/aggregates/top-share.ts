import { countMin, readTopShare } from '../accumulators/count-min.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import type { Aggregate } from './aggregate.ts'
import { sortWindow, sorted } from './sorted-window.ts'

const K_MAX = 16
/** Lengths of the runs of equal values seen so far that are among the k longest, descending. */
const longest = new Float64Array(K_MAX)

/** Puts a run into its place among the k longest. */
const offer = (run: number, k: number): void => {
  let at = k
  while (at > 0 && longest[at - 1]! < run) at--
  for (let i = k - 1; i > at; i--) longest[i] = longest[i - 1]!
  if (at < k) longest[at] = run
}

/** Share of events that bear one of the k most frequent values; missing of nothing. Over hops and ever an upper bound, see `count-min.ts`. */
export const topShare = (k: number): Aggregate => {
  if (!Number.isInteger(k) || k < 1 || k > K_MAX) throw new RangeError(`topShare takes the 1 to ${K_MAX} most frequent values, got ${k}`)
  return {
    name: `top-${k}-share`,
    version: 1,
    needs: 'any',
    windows: EVENT_WINDOWS,
    unit: () => 'share of events',
    phrase: k === 1 ? 'share of the most frequent of' : `share of the ${k} most frequent of`,
    algorithm: { name: 'top-share', parameter: k },
    reduce(slice) {
      const count = sortWindow(slice)
      longest.fill(0)
      let run = 0
      for (let i = 0; i < count; i++) {
        run = i > 0 && sorted[i] === sorted[i - 1] ? run + 1 : 1
        if (i + 1 === count || sorted[i + 1] !== sorted[i]) offer(run, k)
      }
      let top = 0
      for (let i = 0; i < k; i++) top += longest[i]!
      // 0 / 0 is NaN: of nothing there is no share.
      slice.out[slice.slot] = top / count
    },
    paned: { accumulator: countMin, read: readTopShare(k) },
  }
}
