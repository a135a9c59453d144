/** What is wrong with a field, judged against the same producer's past. */
import type { MonitoringSettings } from '../settings.ts'
import type { AlertCause } from '#schemas/monitoring-events.ts'
import type { QualityRow } from '../rows.ts'
import type { FieldCounts } from './field-window.ts'
import { BINS_PER_DECADE, MAGNITUDE_BINS } from './magnitude-histogram.ts'
import { medianShift, unitChange } from './unit-change.ts'
import type { WatchedField } from './watched-fields.ts'

type Settings = MonitoringSettings['quality']

export interface FieldFault {
  readonly cause: Extract<AlertCause, 'missing' | 'unit-change' | 'range'>
  readonly metric: QualityRow['metric']
  readonly value: number
  readonly threshold: number
  readonly detail: string
}

export interface FieldMetric {
  readonly metric: QualityRow['metric']
  readonly value: number
  readonly baseline: number
  readonly threshold: number
}

export interface FieldJudgement {
  readonly faults: readonly FieldFault[]
  readonly metrics: readonly FieldMetric[]
}

/** Present values a magnitude needs on both sides before it says anything. */
const VALUES_MIN = 100
/** Standard errors beyond which a change of a share is not chance: one in ten million windows. */
const SIGMAS = 5.3
/** Values this much beyond all of the past are outside it: a quarter of a decade. */
const MARGIN_BINS = BINS_PER_DECADE / 4

const missingShare = ({ absent, present }: FieldCounts): number => absent / Math.max(1, absent + present)

const missingFault = (baseline: FieldCounts, window: FieldCounts, settings: Settings): FieldFault[] => {
  const [before, now] = [missingShare(baseline), missingShare(window)]
  const n = window.absent + window.present
  const m = baseline.absent + baseline.present
  const pooled = (window.absent + baseline.absent) / (n + m)
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
  if (Math.abs(now - before) < settings.missingShare || Math.abs(now - before) < SIGMAS * error) return []
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  return [
    {
      cause: 'missing',
      metric: 'missing',
      value: now,
      threshold: settings.missingShare,
      detail: `${percent(now)} of events lack it, ${percent(before)} did before`,
    },
  ]
}

/** Share of the window's values beyond all values of the past, by more than a quarter of a decade. */
const outsideShare = (baseline: FieldCounts, window: FieldCounts): number => {
  const first = baseline.magnitudes.findIndex((count) => count > 0)
  const last = baseline.magnitudes.findLastIndex((count) => count > 0)
  let outside = 0
  for (let bin = 0; bin < MAGNITUDE_BINS; bin++)
    if (bin < first - MARGIN_BINS || bin > last + MARGIN_BINS) outside += window.magnitudes[bin]!
  return outside / Math.max(1, window.present)
}

const factorText = (factor: number): string => (factor >= 1 ? `${+factor.toPrecision(3)} times` : `1/${+(1 / factor).toPrecision(3)} of`)

const valueFaults = (field: WatchedField, baseline: FieldCounts, window: FieldCounts, settings: Settings): FieldFault[] => {
  if (baseline.present < VALUES_MIN || window.present < VALUES_MIN) return []
  const change = field.money ? unitChange(baseline.magnitudes, window.magnitudes, settings.unitDecades) : undefined
  if (change !== undefined)
    return [
      {
        cause: 'unit-change',
        metric: 'median-log10-shift',
        value: change.decades,
        threshold: settings.unitDecades,
        detail: `values are ${factorText(change.factor)} what they were, in the same shape: another unit`,
      },
    ]
  const outside = outsideShare(baseline, window)
  return outside < settings.rangeShare
    ? []
    : [
        {
          cause: 'range',
          metric: 'outside',
          value: outside,
          threshold: settings.rangeShare,
          detail: `${(100 * outside).toFixed(1)} % of values lie beyond all sent before`,
        },
      ]
}

export const judgeField = (field: WatchedField, baseline: FieldCounts, window: FieldCounts, settings: Settings): FieldJudgement => {
  const faults = [
    ...(field.optional ? missingFault(baseline, window, settings) : []),
    ...(field.numeric ? valueFaults(field, baseline, window, settings) : []),
  ]
  const metrics: FieldMetric[] = []
  if (field.optional)
    metrics.push({ metric: 'missing', value: missingShare(window), baseline: missingShare(baseline), threshold: settings.missingShare })
  if (field.numeric && baseline.present >= VALUES_MIN && window.present >= VALUES_MIN) {
    if (field.money)
      metrics.push({
        metric: 'median-log10-shift',
        value: medianShift(baseline.magnitudes, window.magnitudes),
        baseline: 0,
        threshold: settings.unitDecades,
      })
    metrics.push({ metric: 'outside', value: outsideShare(baseline, window), baseline: 0, threshold: settings.rangeShare })
  }
  return { faults, metrics }
}
