import { moments, readStd } from '../accumulators/moments.ts'
import type { Aggregate, Slice } from './aggregate.ts'
import { EVENT_WINDOWS } from '../language/window.ts'
import { sampleVariance } from './variance.ts'

const reduce = (slice: Slice): void => {
  slice.out[slice.slot] = Math.sqrt(sampleVariance(slice))
}

/** Sample standard deviation (n − 1) in two passes, so that large means do not cancel; missing below two values. */
export const std = (): Aggregate => ({
  name: 'std',
  version: 1,
  needs: 'value',
  windows: EVENT_WINDOWS,
  unit: (of) => of,
  phrase: 'standard deviation of',
  reduce,
  paned: { accumulator: moments, read: readStd },
})
