/** How many events each producer sends per period of log time, against the periods before. State is plain data, changed in place. */
import type { MonitoringSettings } from '../settings.ts'

const PRODUCERS_MAX = 32
/** Periods remembered, and how many must be there before anything is judged. */
const PERIODS = 8
const PERIODS_MIN = 4
/** Events a usual period must have had: the noise of fewer would be called a fall. */
const USUAL_MIN = 100

export interface VolumeState {
  /** Number of the running period since the epoch. */
  period: number
  readonly counts: Map<string, number>
  /** Counts of the last periods, oldest first; periods out of the ordinary do not enter. */
  readonly usual: Map<string, number[]>
}

export const volumeState = (): VolumeState => ({ period: -1, counts: new Map(), usual: new Map() })

export interface VolumeVerdict {
  readonly producer: string
  readonly from: number
  readonly to: number
  readonly n: number
  readonly usual: number
  /** Growth; below 1 a fall. */
  readonly factor: number
  readonly faulty: boolean
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const judge = (
  state: VolumeState,
  producer: string,
  period: number,
  settings: MonitoringSettings['quality'],
): VolumeVerdict | undefined => {
  const periodMs = settings.volumeMinutes * 60_000
  const n = state.counts.get(producer) ?? 0
  const past = state.usual.get(producer) ?? []
  const usual = past.length < PERIODS_MIN ? 0 : median(past)
  const judged = usual >= USUAL_MIN
  const factor = judged ? n / usual : 1
  const faulty = judged && (factor > settings.volumeFactor || factor < 1 / settings.volumeFactor)
  if (!faulty) state.usual.set(producer, [...past, n].slice(-PERIODS))
  const from = period * periodMs
  return judged ? { producer, from, to: from + periodMs, n, usual, factor, faulty } : undefined
}

/** Ends the periods that log time `at` has left behind; of many empty ones the first tells all. */
export const passVolumePeriods = (state: VolumeState, at: number, settings: MonitoringSettings['quality']): VolumeVerdict[] => {
  const now = Math.floor(at / (settings.volumeMinutes * 60_000))
  if (now <= state.period) return []
  const verdicts =
    state.period < 0 ? [] : [...state.usual.keys()].flatMap((producer) => judge(state, producer, state.period, settings) ?? [])
  state.period = now
  for (const producer of state.counts.keys()) state.counts.set(producer, 0)
  return verdicts
}

/** Counts an event; `passVolumePeriods` of its log time must have been called before. */
export const countVolume = (state: VolumeState, producer: string): void => {
  const held = state.counts.get(producer)
  if (held === undefined) {
    if (state.counts.size >= PRODUCERS_MAX) return
    state.usual.set(producer, [])
  }
  state.counts.set(producer, (held ?? 0) + 1)
}

/** Forgets how many events a producer usually sends. */
export const forgetVolume = (state: VolumeState, producer: string): void => {
  if (state.usual.has(producer)) state.usual.set(producer, [])
}
