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
  /** Windows that have ended since its past began. */
  windows: number
}

/** Windows that make up the past before anything is judged. */
const GATHERING_WINDOWS = 2
export const isGathering = ({ windows }: FieldWindow): boolean => windows < GATHERING_WINDOWS

const none = (): FieldCounts => ({ present: 0, absent: 0, magnitudes: new Float64Array(MAGNITUDE_BINS) })
export const fieldWindow = (): FieldWindow => ({ baseline: none(), window: none(), windows: 0 })

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
export const absorb = (field: FieldWindow): void => {
  const { baseline, window } = field
  const memory = isGathering(field) ? 1 : MEMORY
  baseline.present = baseline.present * memory + window.present
  baseline.absent = baseline.absent * memory + window.absent
  for (let bin = 0; bin < MAGNITUDE_BINS; bin++) baseline.magnitudes[bin] = baseline.magnitudes[bin]! * memory + window.magnitudes[bin]!
  empty(window)
  field.windows++
}

export const discard = ({ window }: FieldWindow): void => empty(window)

/** The past no longer says what is usual: it is gathered anew, from the next value on. */
export const beginAnew = (field: FieldWindow): void => {
  empty(field.baseline)
  empty(field.window)
  field.windows = 0
}
