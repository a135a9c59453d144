/** The end of a window: what moved, where, the rows that say so, and empty counters for the next. */
import type { DriftRow } from '../rows.ts'
import type { MonitoringSettings } from '../settings.ts'
import type { BinLayout } from './bin-layout.ts'
import { type Counted, distancesOf, type Shift, shiftsOf } from './compare-bins.ts'
import type { ModelWindow, Part } from './drift-monitor.ts'
import { BASELINE_DECISIONS, forget } from './drift-monitor.ts'
import { locateShift, type PartShift } from './locate-shift.ts'

type Settings = MonitoringSettings['drift']

export interface WindowVerdict {
  readonly modelVersion: string
  /** Log time of the first decision behind the verdict and of the window's last. */
  readonly openedAt: number
  readonly closedAt: number
  /** Event time, `to` exclusive. */
  readonly from: number
  readonly to: number
  readonly n: number
  /** What moved beyond the threshold, furthest first, in all decisions or else in the part they are confined to. */
  readonly moved: readonly Shift[]
  /** Part the shift is confined to; null where it is spread over the portfolio. */
  readonly segment: string | null
  readonly rows: readonly DriftRow[]
  readonly scorePsi: number
  readonly largestPsi: number
}

/** Decisions of a part from which it can be said to have moved or not, when looking for where a shift sits. */
const PART_MIN = 200
/** Indices of parts worth a row although they do not alert. */
const NOTEWORTHY_PSI = 0.1

const significant = (shifts: readonly Shift[], settings: Settings): Shift[] =>
  shifts
    .filter(
      ({ feature, psi, pValue }) =>
        psi >= settings.psi &&
        pValue < settings.significance / shifts.length &&
        !settings.notAlerting.some((ending) => feature.endsWith(ending)),
    )
    .toSorted((a, b) => b.psi - a.psi)

const largestOf = (shifts: readonly Shift[], { notAlerting }: Settings): number =>
  Math.max(0, ...shifts.flatMap(({ feature, psi }) => (notAlerting.some((ending) => feature.endsWith(ending)) ? [] : [psi])))

const wholeRows = (
  model: ModelWindow,
  layout: BinLayout,
  shifts: readonly Shift[],
  moved: readonly Shift[],
  settings: Settings,
): DriftRow[] => {
  const reference: Counted = { n: layout.rows, counts: layout.reference }
  return shifts.flatMap((shift, at) => {
    const { feature, psi, pValue } = shift
    const base = {
      window_start: model.from,
      window_end: model.to + 1,
      model_version: model.modelVersion,
      feature,
      segment: 'all',
      n: model.window.n,
      n_reference: layout.rows,
    }
    const far = distancesOf(layout, at, reference, model.window)
    const other = { ...base, p_value: null, threshold: 0, alert: false }
    return [
      { ...base, metric: 'psi' as const, value: psi, p_value: pValue, threshold: settings.psi, alert: moved.includes(shift) },
      { ...other, metric: 'ks' as const, value: far.ks, p_value: far.ksPValue },
      { ...other, metric: 'jensen-shannon' as const, value: far.jensenShannon },
      { ...other, metric: 'missing' as const, value: far.missing, threshold: far.missingReference },
      ...(far.outside > 0 ? [{ ...other, metric: 'outside' as const, value: far.outside }] : []),
    ]
  })
}

interface PartVerdict extends PartShift {
  readonly part: Part
  readonly shifts: readonly Shift[]
}

const partVerdicts = (model: ModelWindow, layout: BinLayout, settings: Settings): PartVerdict[] =>
  [...model.parts.values()]
    .filter(({ baseline, window }) => baseline.n >= BASELINE_DECISIONS && window.n >= PART_MIN)
    .map((part) => {
      const shifts = shiftsOf(layout, part.baseline, part.window)
      return {
        part,
        shifts,
        segment: part.segment,
        n: part.window.n,
        moved: significant(shifts, settings),
        largest: largestOf(shifts, settings),
      }
    })

const partRows = (model: ModelWindow, { part, shifts, moved }: PartVerdict, settings: Settings): DriftRow[] =>
  shifts
    .filter((shift) => shift.feature === 'score' || shift.psi >= NOTEWORTHY_PSI)
    .map((shift) => ({
      window_start: part.from,
      window_end: part.to + 1,
      model_version: model.modelVersion,
      feature: shift.feature,
      segment: part.segment,
      metric: 'psi',
      value: shift.psi,
      p_value: shift.pValue,
      threshold: settings.psi,
      n: part.window.n,
      n_reference: part.baseline.n,
      alert: moved.includes(shift) && part.window.n >= settings.decisionsMin,
    }))

/** Parts begin again once they held enough to alert by themselves; after a shift all do, for what they hold is of two times. */
const emptyParts = (model: ModelWindow, shifted: boolean, { decisionsMin }: Settings): void => {
  for (const part of model.parts.values()) {
    if (!shifted && part.window.n < decisionsMin) continue
    forget(part.window)
    part.from = Infinity
    part.to = -Infinity
  }
}

/** Judges the window and empties its counters; parts go on counting until they hold enough to alert by themselves. */
export const closeWindow = (model: ModelWindow, layout: BinLayout, at: number, settings: Settings): WindowVerdict => {
  const enough = model.window.n >= settings.decisionsMin
  const shifts = shiftsOf(layout, { n: layout.rows, counts: layout.reference }, model.window)
  const moved = enough ? significant(shifts, settings) : []
  const parts = partVerdicts(model, layout, settings)
  const full = parts.filter(({ n }) => n >= settings.decisionsMin)
  const located = locateShift(parts)
  // A part too small to move the whole alerts by itself once it holds enough decisions.
  const alone = moved.length === 0 && located !== undefined && located.n >= settings.decisionsMin ? located : undefined
  const verdict: WindowVerdict = {
    modelVersion: model.modelVersion,
    openedAt: Math.min(model.openedAt, alone?.part.openedAt ?? Infinity),
    closedAt: at,
    from: model.from,
    to: model.to + 1,
    n: alone?.n ?? model.window.n,
    moved: alone?.moved ?? moved,
    segment: moved.length > 0 || alone ? (located?.segment ?? null) : null,
    rows: [...wholeRows(model, layout, shifts, moved, settings), ...full.flatMap((one) => partRows(model, one, settings))],
    scorePsi: shifts.at(-1)?.psi ?? 0,
    largestPsi: largestOf(shifts, settings),
  }
  emptyParts(model, moved.length > 0, settings)
  forget(model.window)
  model.from = Infinity
  model.to = -Infinity
  return verdict
}
