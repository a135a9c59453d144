/** What a month's matured outcomes say of a model: rows, and alerts where it has become worse than chance explains. */
import type { AlertCause } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import type { PerformanceRow } from '../rows.ts'
import type { MonitoringSettings } from '../settings.ts'
import { jeffreysTestPValue } from '../statistics/default-rate-tests.ts'
import { type Estimate, wilson } from '../statistics/proportion-interval.ts'
import type { NewAlert } from '../triggers/alert-book.ts'
import { calibration } from './calibration.ts'
import { brier, discrimination, type ScoreBin } from './score-labels.ts'

/** Fewest goods and bads from which a ROC curve is drawn. */
const EACH_MIN = 30

export interface OutcomeWindow {
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly modelVersion: string
  readonly bins: readonly ScoreBin[]
}

export interface PerformanceVerdict {
  readonly rows: readonly PerformanceRow[]
  /** Findings by key; undefined ends an alert of that key. */
  readonly alerts: readonly { readonly key: string; readonly alert: NewAlert | undefined }[]
  readonly auc: number | undefined
}

const alertOf = (
  { from, to, modelVersion }: OutcomeWindow,
  at: number,
  cause: AlertCause,
  metric: string,
  value: number,
  threshold: number,
  n: number,
  detail: string,
): NewAlert => ({
  kind: 'performance',
  cause,
  severity: 'ticket',
  raisedAt: epochMs(at),
  windowStart: epochMs(from),
  windowEnd: epochMs(to),
  subject: `${modelVersion} ${metric}`,
  producer: null,
  eventKind: null,
  field: null,
  modelVersion,
  segment: null,
  features: [],
  metric,
  value,
  threshold,
  pValue: null,
  n,
  blocksRetraining: false,
  detail,
})

/** `aucAtFit`: the model's own AUC when it was made. Windows with too few outcomes of either kind make no row. `at` is log time. */
export const judgePerformance = (
  window: OutcomeWindow,
  aucAtFit: number | undefined,
  at: number,
  settings: MonitoringSettings['performance'],
): PerformanceVerdict => {
  const { bins, from, to, modelVersion } = window
  const goods = bins.reduce((sum, bin) => sum + bin.goods, 0)
  const bads = bins.reduce((sum, bin) => sum + bin.bads, 0)
  const n = goods + bads
  const separated = goods < EACH_MIN || bads < EACH_MIN ? undefined : discrimination(bins)
  if (separated === undefined) return { rows: [], alerts: [], auc: undefined }
  const { auc, ks } = separated
  const calibrated = calibration(bins)
  const expected = bins.reduce((sum, bin) => sum + bin.probability, 0) / n
  const row = (metric: string, estimate: Estimate | number): PerformanceRow => ({
    window_start: from,
    window_end: to,
    model_version: modelVersion,
    segment: 'all',
    metric,
    ...(typeof estimate === 'number' ? { value: estimate, low: null, high: null } : estimate),
    n,
  })
  const enough = n >= settings.outcomesMin
  const floor = aucAtFit === undefined ? 0 : aucAtFit - settings.aucDrop
  const worse = enough && auc.high < floor
  const intercept = calibrated?.intercept
  const off =
    enough && intercept !== undefined && Math.abs(intercept.value) >= settings.calibrationShift && intercept.low * intercept.high > 0
  const key = (metric: string): string => `performance:${modelVersion}:${metric}`
  return {
    rows: [
      row('auc', auc),
      row('gini', { value: 2 * auc.value - 1, low: 2 * auc.low - 1, high: 2 * auc.high - 1 }),
      row('ks', ks),
      row('brier', brier(bins)),
      row('bad-rate', wilson(bads, n)),
      row('expected-bad-rate', expected),
      row('jeffreys-p', jeffreysTestPValue(bads, n, expected)),
      ...(calibrated ? [row('calibration-slope', calibrated.slope), row('calibration-intercept', calibrated.intercept)] : []),
    ],
    alerts: enough
      ? [
          {
            key: key('auc'),
            alert: worse
              ? alertOf(
                  window,
                  at,
                  'discrimination',
                  'auc',
                  auc.value,
                  floor,
                  n,
                  `AUC ${auc.value.toFixed(3)} (at most ${auc.high.toFixed(3)}) where ${(aucAtFit ?? 0).toFixed(3)} was measured at the fit`,
                )
              : undefined,
          },
          {
            key: key('calibration-intercept'),
            alert: off
              ? alertOf(
                  window,
                  at,
                  'calibration',
                  'calibration-intercept',
                  intercept.value,
                  settings.calibrationShift,
                  n,
                  `bads are ${intercept.value > 0 ? 'more' : 'fewer'} than foretold: ${(100 * (bads / n)).toFixed(1)} % where ${(100 * expected).toFixed(1)} % were expected`,
                )
              : undefined,
          },
        ]
      : [],
    auc: auc.value,
  }
}
