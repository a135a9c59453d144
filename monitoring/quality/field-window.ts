/** One field of one producer's events of a kind: its past and its present. Plain data, changed in place. */
import { magnitudeBin, MAGNITUDE_BINS } from './magnitude-histogram.ts'

export interface FieldCounts {
  present: number
  absent: number
  readonly magnitudes: Float64Array
}

export interface FieldWindow {
  readonly baseline: FieldCounts
  readonly window: FieldCounts
}

const none = (): FieldCounts => ({ present: 0, absent: 0, magnitudes: new Float64Array(MAGNITUDE_BINS) })
export const fieldWindow = (): FieldWindow => ({ baseline: none(), window: none() })

export const countValue = (counts: FieldCounts, value: unknown): void => {
  if (value === undefined || value === null) {
    counts.absent++
    return
  }
  counts.present++
  if (typeof value === 'number') counts.magnitudes[magnitudeBin(value)]! += 1
}

/** Weight of the past when a clean window joins it: seasons are followed over some ten windows, a jump is not. */
const MEMORY = 0.9

const empty = (counts: FieldCounts): void => {
  counts.present = 0
  counts.absent = 0
  counts.magnitudes.fill(0)
}

/** Moves the window into the past. While the past is still being gathered nothing of it is forgotten. */
export const absorb = ({ baseline, window }: FieldWindow, gathering: boolean): void => {
  const memory = gathering ? 1 : MEMORY
  baseline.present = baseline.present * memory + window.present
  baseline.absent = baseline.absent * memory + window.absent
  for (let bin = 0; bin < MAGNITUDE_BINS; bin++) baseline.magnitudes[bin] = baseline.magnitudes[bin]! * memory + window.magnitudes[bin]!
  empty(window)
}

export const discard = ({ window }: FieldWindow): void => empty(window)
