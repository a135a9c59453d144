/**
 * When a successor is asked for: after several shifted windows in a row, or a fall in performance; not while data quality is in doubt, not
 * too often, and not without new outcomes to learn from. A fold in log order; state is plain data, changed in place.
 */
import type { Alert, RetrainRequested } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import type { MonitoringSettings } from '../settings.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

export interface RetrainState {
  /** Shifted windows in a row, per model version, and the alerts that told of them. */
  readonly streaks: Map<string, number>
  /**
   * Log time at which data quality was last in doubt, and whether the figures have returned to normal since: a shift that began under bad data
   * proves nothing about the population, however long it lasts.
   */
  doubtedAt: number
  recovered: boolean
  /** Event time up to which data were in doubt: outcomes of decisions made on them say nothing about the model. */
  doubtedEventTime: number
  /** Log times of the requests of the last day. */
  readonly requestedAt: number[]
  outcomes: number
}

export const retrainState = (): RetrainState => ({
  streaks: new Map(),
  doubtedAt: -Infinity,
  recovered: true,
  doubtedEventTime: -Infinity,
  requestedAt: [],
  outcomes: 0,
})

export type Refusal = 'data-quality' | 'interval' | 'daily-cap' | 'few-outcomes'

/** Data quality is in doubt at log time `at`, of events up to `eventTime` where that is known. */
export const doubt = (state: RetrainState, at: number, eventTime = -Infinity): void => {
  state.doubtedAt = at
  state.doubtedEventTime = Math.max(state.doubtedEventTime, eventTime)
  state.recovered = false
  state.streaks.clear()
}

/** A person says at log time `at` that what was doubted is meant: windows that begin from here on count, whether or not the figures ever return. */
export const vouch = (state: RetrainState, at: number): void => {
  state.doubtedAt = Math.max(state.doubtedAt, at)
  state.recovered = true
}

const STREAKS_MAX = 16

export interface SeenWindow {
  readonly modelVersion: string
  /** Log time of its first decision. */
  readonly openedAt: number
  readonly shifted: boolean
  /** Whether enough moved to be worth a successor. */
  readonly telling: boolean
  /** Whether it held enough decisions to be judged. */
  readonly enough: boolean
}

/** A window ended. True where enough telling windows lie in a row. Windows that overlap doubtful data count for nothing. */
export const seeWindow = (state: RetrainState, window: SeenWindow, settings: MonitoringSettings['retrain']): boolean => {
  if (!window.enough || window.openedAt <= state.doubtedAt) return false
  if (!window.shifted) {
    state.recovered = true
    state.streaks.delete(window.modelVersion)
    return false
  }
  if (!state.recovered || !window.telling) {
    state.streaks.delete(window.modelVersion)
    return false
  }
  const streak = (state.streaks.get(window.modelVersion) ?? 0) + 1
  if (state.streaks.size >= STREAKS_MAX && streak === 1) state.streaks.clear()
  state.streaks.set(window.modelVersion, streak)
  return streak >= settings.windows
}

/** Whether a request may go out at log time `at`. */
export const refusalOf = (
  state: RetrainState,
  at: number,
  blocked: boolean,
  settings: MonitoringSettings['retrain'],
): Refusal | undefined => {
  while (state.requestedAt.length > 0 && state.requestedAt[0]! <= at - DAY_MS) state.requestedAt.shift()
  if (blocked || !state.recovered) return 'data-quality'
  const last = state.requestedAt.at(-1)
  if (last !== undefined && at - last < settings.intervalMinutes * MINUTE_MS) return 'interval'
  if (state.requestedAt.length >= settings.perDayMax) return 'daily-cap'
  if (state.outcomes < settings.outcomesMin) return 'few-outcomes'
  return undefined
}

/** The request, and what it costs: the interval and the count of outcomes begin anew. */
export const request = (
  state: RetrainState,
  modelVersion: string,
  at: number,
  alerts: readonly Alert[],
  inputOffsets: readonly number[],
): RetrainRequested => {
  const [first] = alerts
  const made: RetrainRequested = {
    kind: 'retrain-requested',
    requestId: `retrain:${modelVersion}:${at}`,
    requestedAt: epochMs(at),
    modelVersion,
    alertIds: alerts.slice(0, 64).map(({ alertId }) => alertId),
    cause: first?.cause ?? 'population-shift',
    features: first === undefined ? [] : [...first.features],
    segment: first?.segment ?? null,
    inputOffsets: [...inputOffsets],
    outcomesSeen: state.outcomes,
    detail: first === undefined ? `decisions of ${modelVersion} drifted` : first.detail,
  }
  state.requestedAt.push(at)
  state.outcomes = 0
  state.streaks.delete(modelVersion)
  return made
}
