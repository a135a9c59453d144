/**
 * The latency promise: share of decisions within the objective, and how fast the allowed rest is being used up, over several windows at once
 * (B. Beyer et al., "The Site Reliability Workbook", 2018, ch. 5). A fold over decisions by log time; state is plain data, changed in place.
 */
import type { Stages } from '#schemas/decision.ts'
import type { SloRow } from '../rows.ts'
import type { MonitoringSettings } from '../settings.ts'

const MINUTE_MS = 60_000
/** Three days of minutes: the longest window. */
const MINUTES = 3 * 24 * 60
/** Rows are written this often. */
const ROW_MINUTES = 5

/** Long and short window in minutes, burn rate, and who is told. For a budget of 30 days: 2 %, 5 % and 10 % of it are gone by then. */
const BURN_ALERTS = [
  { long: 60, short: 5, burn: 14.4, severity: 'page' },
  { long: 360, short: 30, burn: 6, severity: 'page' },
  { long: MINUTES, short: 360, burn: 1, severity: 'ticket' },
] as const
const ROW_WINDOWS = [5, 60, 360, MINUTES] as const

export interface LatencyState {
  /** Minute since the epoch that is being filled, and that of the first decision; −1 before there is one. */
  minute: number
  first: number
  /** By minute modulo its length. */
  readonly good: Uint32Array
  readonly total: Uint32Array
}

export const latencyState = (): LatencyState => ({ minute: -1, first: -1, good: new Uint32Array(MINUTES), total: new Uint32Array(MINUTES) })

export interface BurnAlert {
  readonly severity: 'page' | 'ticket'
  readonly minutes: number
  readonly threshold: number
  readonly burnRate: number
  readonly n: number
  readonly firing: boolean
}

export interface LatencyVerdict {
  /** Log time at which the last minute judged ended. */
  readonly at: number
  readonly alerts: readonly BurnAlert[]
  readonly rows: readonly SloRow[]
}

/** From append to readable decision, µs: the sum of the stages; the commit of the batch before is part of the queue. */
const totalUs = ({ queueUs, decodeUs, stateUs, foldUs, scoreUs, explainUs, policyUs, publishUs }: Stages): number =>
  queueUs + decodeUs + stateUs + foldUs + scoreUs + explainUs + policyUs + publishUs

interface Tally {
  readonly good: number
  readonly total: number
}

/** The `minutes` minutes before `end`, exclusive. */
const tally = (state: LatencyState, end: number, minutes: number): Tally => {
  let good = 0
  let total = 0
  for (let minute = end - minutes; minute < end; minute++) {
    const slot = ((minute % MINUTES) + MINUTES) % MINUTES
    good += state.good[slot]!
    total += state.total[slot]!
  }
  return { good, total }
}

const burnRate = ({ good, total }: Tally, target: number): number => (total === 0 ? 0 : (total - good) / total / (1 - target))

const judge = (state: LatencyState, end: number, settings: MonitoringSettings['latency']): LatencyVerdict => {
  const alerts = BURN_ALERTS.map(({ long, short, burn, severity }) => {
    const over = tally(state, end, long)
    const burnLong = burnRate(over, settings.target)
    // A short burst says nothing of the long run: the short window must have been lived through.
    const seen = state.first >= 0 && end - state.first >= short && over.total >= settings.decisionsMin
    const firing = seen && burnLong >= burn && burnRate(tally(state, end, short), settings.target) >= burn
    return { severity, minutes: long, threshold: burn, burnRate: burnLong, n: over.total, firing }
  })
  const rows = ROW_WINDOWS.flatMap((minutes): SloRow[] => {
    if (end % ROW_MINUTES !== 0) return []
    const over = tally(state, end, minutes)
    if (over.total === 0) return []
    return [
      {
        window_start: (end - minutes) * MINUTE_MS,
        window_end: end * MINUTE_MS,
        objective: 'decision-latency',
        target: settings.target,
        good: over.good,
        total: over.total,
        burn_rate: burnRate(over, settings.target),
        alert: alerts.some((alert) => alert.firing && alert.minutes === minutes),
      },
    ]
  })
  return { at: end * MINUTE_MS, alerts, rows }
}

/** Ends the minutes that log time `at` has left behind and judges each at its end: when this is called changes nothing. */
export const passMinutes = (state: LatencyState, at: number, settings: MonitoringSettings['latency']): LatencyVerdict[] => {
  const now = Math.floor(at / MINUTE_MS)
  if (state.minute < 0 || now <= state.minute) {
    state.minute = Math.max(state.minute, now)
    return []
  }
  const verdicts: LatencyVerdict[] = []
  // After a pause longer than the ring nothing of it is left.
  const first = Math.max(state.minute + 1, now - MINUTES)
  for (let minute = first; minute <= now; minute++) {
    verdicts.push(judge(state, minute, settings))
    state.good[minute % MINUTES] = 0
    state.total[minute % MINUTES] = 0
  }
  state.minute = now
  return verdicts
}

/** Counts a decision in the running minute; `passMinutes` of its log time must have been called before. */
export const countLatency = (state: LatencyState, stages: Stages, settings: MonitoringSettings['latency']): void => {
  if (state.first < 0) state.first = state.minute
  const slot = state.minute % MINUTES
  state.total[slot]! += 1
  if (totalUs(stages) <= settings.milliseconds * 1_000) state.good[slot]! += 1
}
